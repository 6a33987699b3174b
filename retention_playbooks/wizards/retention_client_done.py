from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.retention_health_refresh import SETTLED
from ..models.retention_signal import CHANNELS

#: Types of the activity that shows that somebody was in touch, by channel.
ACTIVITY_TYPES = {
    "call": "mail.mail_activity_data_call",
    "meeting": "mail.mail_activity_data_meeting",
    "email": "mail.mail_activity_data_email",
}
#: States of steps that are still to come.
PENDING = ("waiting", "open", "failed")


class RetentionClientDone(models.TransientModel):
    """Says what a call or meeting with a client has brought: closes the due step of its
    playbook, and the signals that were talked about. All is filled in: whoever has
    nothing to add confirms."""

    _name = "retention.client.done"
    _description = "Talked to a Client"

    client_id = fields.Many2one(
        comodel_name="retention.client",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    partner_id = fields.Many2one(related="client_id.partner_id", string="Name")
    channel = fields.Selection(selection=CHANNELS, required=True, default="call")
    note = fields.Char(
        string="What Came of It",
        compute="_compute_note",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
    )
    signal_ids = fields.Many2many(
        comodel_name="retention.signal",
        string="Handled Signals",
        compute="_compute_signal_ids",
        store=True,
        readonly=False,
        domain="[('partner_id', '=', partner_id), ('state', '=', 'open')]",
        help="These signals are closed. Take out what is still open.",
    )
    step_id = fields.Many2one(related="client_id.step_id")
    step_note = fields.Html(related="step_id.note")
    close_step = fields.Boolean(
        string="This Step Is Done",
        compute="_compute_close_step",
        store=True,
        readonly=False,
    )
    answer_ids = fields.One2many(related="step_id.answer_ids", readonly=False)
    asks_reason = fields.Boolean(related="step_id.asks_reason")
    reason_id = fields.Many2one(related="step_id.reason_id", readonly=False)

    @api.depends("channel", "client_id")
    def _compute_note(self):
        texts = {
            "call": self.env._("Talked on the phone"),
            "meeting": self.env._("Met"),
            "email": self.env._("Wrote"),
        }
        for done in self:
            contact = done.client_id._get_contact().name
            done.note = f"{texts.get(done.channel)}: {contact}" if contact else False

    @api.depends("client_id")
    def _compute_signal_ids(self):
        for done in self:
            client = done.client_id
            signals = self.env["retention.signal"].search(
                [
                    ("partner_id", "=", client.partner_id.id),
                    ("company_id", "=", client.company_id.id),
                    ("state", "=", "open"),
                ]
            )
            done.signal_ids = signals.filtered(
                lambda signal, done=done: not done._is_seen_to(signal)
            )

    @api.depends("client_id")
    def _compute_close_step(self):
        for done in self:
            done.close_step = done.step_id.kind == "activity"

    def action_apply(self):
        """Close step and signals, and leave a call or meeting in the client's record:
        it counts for a promised contact, too.

        :raises AccessError: the client is not on the user's list
        :raises UserError: without a note
        """
        self.ensure_one()
        client = self.client_id
        client.check_access("read")
        note = (self.note or "").strip()
        if not note:
            raise UserError(self.env._("Say what came of it, for your colleagues."))
        step = self.step_id if self.close_step else self.step_id.browse()
        if step:
            activity = step.activity_id.filtered("active")
            step.action_done(note)
            if not activity:
                client.partner_id.message_post(
                    body=Markup("<b>%s</b><br/>%s") % (step.name, note),
                    subtype_xmlid="mail.mt_note",
                )
        else:
            self._log_touch(note)
        if self.signal_ids:
            self.signal_ids.action_handle(note)
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def _is_seen_to(self, signal):
        """Tell whether a playbook goes on seeing to a signal after this step: until its
        last one if talking settles the matter, else until the reason is gone."""
        # sudo: the playbook of a client is no secret to its account manager
        runs = signal.sudo().run_ids.filtered(lambda run: run.state == "running")
        steps = runs.step_ids.filtered(lambda step: step.state in PENDING)
        if signal.kind in SETTLED:
            return bool(steps - self.step_id)
        return bool(runs)

    def _log_touch(self, note):
        """Leave an activity that is done in the record of the client."""
        activity = self.client_id.partner_id.with_context(
            mail_activity_quick_update=True
        ).activity_schedule(
            ACTIVITY_TYPES[self.channel],
            summary=dict(self._fields["channel"]._description_selection(self.env)).get(
                self.channel
            ),
            user_id=self.env.uid,
        )
        activity.with_context(mail_activity_quick_update=False).action_feedback(
            feedback=note
        )
