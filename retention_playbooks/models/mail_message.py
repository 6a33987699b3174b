from odoo import fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.mail.tools.discuss import Store


class MailMessage(models.Model):
    """Messages that are a complaint of a client: an incoming mail or a note."""

    _inherit = "mail.message"

    complaint_partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Complaint Of",
        index="btree_not_null",
        ondelete="set null",
        help="The client who complained with this message.",
    )
    complaint_company_id = fields.Many2one(
        comodel_name="res.company", string="Complaint To", ondelete="set null"
    )

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def action_toggle_complaint(self):
        """Mark a message as complaint of the client who wrote it, or take that back.

        :returns: whether it is one now
        :raises AccessError: the user may not read the message, or is neither in Sales
            nor in Project
        :raises UserError: nobody knows whose complaint it is
        """
        self.ensure_one()
        self.check_access("read")
        if not self._may_mark_complaint():
            raise AccessError(
                self.env._("Only users of Sales and Project mark complaints.")
            )
        # sudo: who reads a message need not be its author
        message = self.sudo()
        if message.complaint_partner_id:
            client = message.complaint_partner_id
            message.complaint_partner_id = message.complaint_company_id = False
        else:
            client = message._get_complaining_client()
            if not client:
                raise UserError(
                    self.env._(
                        "This message belongs to no client: its author is no contact "
                        "of one, and neither is the record it belongs to. Log the "
                        "complaint on the client."
                    )
                )
            message._mark_complaint(client)
        client._refresh_signals("complaint")
        return bool(message.complaint_partner_id)

    def _mark_complaint(self, client):
        """Make messages complaints of a client, to the current company."""
        self.write(
            {
                "complaint_partner_id": client.id,
                "complaint_company_id": self.env.company.id,
            }
        )

    def _may_mark_complaint(self):
        return self.env.user.has_groups(
            "sales_team.group_sale_salesman,project.group_project_user"
        )

    def _get_complaining_client(self):
        """Return the client whose message it is: of its author, unless one of us wrote
        it; else of the record it belongs to."""
        author = self.author_id
        ours = author.user_ids.filtered(lambda user: not user.share)
        if author and not ours and author.commercial_partner_id.active:
            return author.commercial_partner_id
        if self.model == "res.partner" and self.res_id:
            return self.env["res.partner"].browse(self.res_id).commercial_partner_id
        if self.model in self.env and self.res_id:
            record = self.env[self.model].browse(self.res_id)
            if "partner_id" in record and record._fields["partner_id"].comodel_name == (
                "res.partner"
            ):
                return record.partner_id.commercial_partner_id
        return self.env["res.partner"]

    # ------------------------------------------------------------
    # CHATTER
    # ------------------------------------------------------------

    def _to_store_defaults(self, target):
        return [
            *super()._to_store_defaults(target),
            Store.Attr(
                "is_complaint",
                # sudo: whoever reads the message may know
                lambda message: bool(message.sudo().complaint_partner_id),
                predicate=lambda message: target.is_internal(self.env),
            ),
        ]
