from odoo import api, fields, models
from odoo.fields import Domain


class RetentionComplaintMixin(models.AbstractModel):
    """Records that are a complaint of their client while a tag of theirs says so.

    For models with ``tag_ids``, ``partner_id``, ``company_id`` and ``active``; give it
    before the model itself, so that all is written when the signals follow. What is
    read of them is in ``retention.rule._get_tagged_sources``.
    """

    _name = "retention.complaint.mixin"
    _description = "Complaint by Tag"

    complaint_on = fields.Datetime(
        string="Tagged as Complaint On",
        copy=False,
        readonly=True,
        help="Empty: from the beginning.",
    )

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        """Raise the signals of complaints at once."""
        records = super().create(vals_list)
        # sudo: whoever creates it need not see tags
        if records.sudo().tag_ids:
            self._follow_complaints({}, records._get_complaints())
        return records

    def write(self, vals):
        """Let the signals follow at once."""
        if not vals.keys() & {"tag_ids", "partner_id", "company_id", "active"}:
            return super().write(vals)
        before = self._get_complaints()
        result = super().write(vals)
        after = self._get_complaints()
        # sudo: nobody writes the day by hand
        new = self.sudo().browse(after.keys() - before.keys())
        if new:
            new.complaint_on = fields.Datetime.now()
        self._follow_complaints(before, after)
        return result

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _get_complaints(self):
        """Return {record id: (client, company, whether it is active)} of those of these
        records that are tagged as complaints."""
        # sudo: whether a tag makes a complaint is not for everybody to see
        records = self.sudo().filtered(
            lambda one: any(one.tag_ids.mapped("is_complaint"))
        )
        if not records:
            return {}
        companies = self.env["res.company"].sudo()
        first = companies.search(Domain.TRUE, order="id", limit=1)
        return {
            one.id: (
                one.partner_id.commercial_partner_id,
                one.company_id or one.partner_id.company_id or first,
                one.active,
            )
            for one in records
        }

    @api.model
    def _follow_complaints(self, before, after):
        """Look at the clients of complaints that have come, gone or changed.

        :param before: what :meth:`_get_complaints` gave
        :param after: the same, now
        """
        changed = before.items() ^ after.items()
        # sudo: signals follow whoever tags something
        clients = self.env["res.partner"].sudo()
        for company in {company for _id, (_client, company, _active) in changed}:
            some = clients.union(*(c for _id, (c, own, _) in changed if own == company))
            some.with_company(company)._refresh_signals("complaint")
