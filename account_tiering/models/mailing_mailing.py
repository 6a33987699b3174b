from datetime import timedelta

from odoo import api, fields, models

#: After so many minutes, too, it is looked who got a mailing: large ones take a while.
LOOK_AGAIN = (0, 15, 120)


class MailingMailing(models.Model):
    """Mailings that are newsletters of tiers, and others that fulfil touchpoints."""

    _inherit = "mailing.mailing"

    newsletter_ids = fields.One2many(
        comodel_name="client.newsletter",
        inverse_name="mailing_id",
        string="Newsletters",
    )
    # sudo: mailings are also open to administrators who see no newsletters
    newsletter_count = fields.Integer(
        compute="_compute_newsletter_count", compute_sudo=True
    )

    @api.depends("newsletter_ids")
    def _compute_newsletter_count(self):
        for mailing in self:
            mailing.newsletter_count = len(mailing.newsletter_ids)

    @api.model_create_multi
    def create(self, vals_list):
        mailings = super().create(vals_list)
        mailings.filtered(lambda one: one.state == "done")._follow_sent()
        return mailings

    def write(self, vals):
        result = super().write(vals)
        if vals.get("state") == "done":
            self._follow_sent()
        if "user_id" in vals:
            # sudo: newsletters follow whoever may change the mailing
            self.sudo().newsletter_ids._follow_responsible(self.env.user)
        return result

    def unlink(self):
        """Take back the activities of newsletters whose draft is deleted."""
        # sudo: newsletters follow whoever may delete the mailing
        newsletters = self.sudo().newsletter_ids
        result = super().unlink()
        newsletters._remove_activities()
        return result

    def action_view_newsletter(self):
        """Open the newsletter that the mailing was prepared for."""
        self.ensure_one()
        return self.newsletter_ids[:1].get_formview_action()

    def _get_default_mailing_domain(self):
        """Offer newsletters their own audience again when a filter is taken away."""
        newsletter = self.newsletter_ids[:1]
        if newsletter and self.mailing_model_name == "res.partner":
            return newsletter._get_audience_domain()
        return super()._get_default_mailing_domain()

    def _follow_sent(self):
        """Let the activities of newsletters be done, and touchpoints be fulfilled."""
        if not self:
            return
        # sudo: newsletters follow whoever may send mailings
        self.sudo().newsletter_ids._close_activities()
        now = fields.Datetime.now()
        self.env.ref("account_tiering.ir_cron_newsletters").sudo()._trigger(
            [now + timedelta(minutes=minutes) for minutes in LOOK_AGAIN]
        )
