from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import plaintext2html


class RetentionComplaint(models.TransientModel):
    """Logs a complaint of a client: a note in its chatter that is marked as one."""

    _name = "retention.complaint"
    _description = "Log a Complaint"

    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Client",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    contact_id = fields.Many2one(
        comodel_name="res.partner",
        string="Who Complained",
        compute="_compute_contact_id",
        store=True,
        readonly=False,
        domain="[('id', 'child_of', commercial_partner_id)]",
    )
    commercial_partner_id = fields.Many2one(
        related="partner_id.commercial_partner_id", string="Commercial Entity"
    )
    text = fields.Text(string="What Is Wrong", required=True)
    is_followed = fields.Boolean(
        compute="_compute_is_followed",
        help="Complaints raise a signal for this client.",
    )

    @api.depends("partner_id")
    def _compute_contact_id(self):
        """A contact on whose form the dialog was opened is who complained."""
        for complaint in self:
            contact = complaint.partner_id
            is_client = contact == contact.commercial_partner_id
            complaint.contact_id = False if is_client else contact

    @api.depends("partner_id")
    @api.depends_context("company")
    def _compute_is_followed(self):
        for complaint in self:
            # sudo: who hears a complaint need not see the rules, nor the tier
            client = complaint.partner_id.commercial_partner_id.sudo()
            complaint.is_followed = bool(
                self.env["retention.rule"]
                .sudo()
                ._get_rule_for(self.env.company, "complaint", client.tier_id)
            )

    def action_log(self):
        """Note the complaint and raise the signal; the account manager is told. Where
        complaints raise no signal, there is the note.

        :raises AccessError: the user may not read the client
        :raises UserError: nothing was written
        """
        self.ensure_one()
        self.partner_id.check_access("read")
        text = (self.text or "").strip()
        if not text:
            raise UserError(self.env._("Say what is wrong, in the client's words."))
        # sudo: who hears a complaint need not be allowed to change the client; the
        # author stays the user
        client = self.partner_id.commercial_partner_id.sudo()
        body = plaintext2html(text)
        if self.contact_id:
            body = Markup("<p>%s</p>%s") % (
                self.env._("Complaint of %s:", self.contact_id.name),
                body,
            )
        message = client.message_post(
            body=body,
            # As somebody says it: it can be taken back in the chatter.
            message_type="comment",
            subtype_xmlid="mail.mt_note",
            partner_ids=self._get_people_to_tell(client).ids,
        )
        message._mark_complaint(client)
        client._refresh_signals("complaint")
        return {"type": "ir.actions.act_window_close"}

    def _get_people_to_tell(self, client):
        """Return the partners who get the note: the account manager."""
        manager = client._get_account_manager(self.env.company)
        return (manager - self.env.user).partner_id
