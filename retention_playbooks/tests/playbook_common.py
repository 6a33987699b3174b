from datetime import datetime, time, timedelta
from unittest.mock import patch

from odoo import Command, fields

from odoo.addons.account_tiering.tests.touchpoint_common import TouchpointCommon
from odoo.addons.base.models.ir_cron import IrCron


class PlaybookCommon(TouchpointCommon):
    """A Monday in March, three clients of one manager, and playbooks made by hand."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.playbooks = cls.env["retention.playbook"]
        cls.runs = cls.env["retention.run"]
        cls.member = cls._new_user("member", "project.group_project_user")
        # What is active in the database must not interfere.
        cls.playbooks.search([("state", "=", "active")]).state = "draft"
        cls.price, cls.service = (
            cls.env.ref(f"retention_playbooks.lost_reason_{code}")
            for code in ("price", "service")
        )
        cls.call = cls.env.ref("mail.mail_activity_data_call")
        cls.template = cls.env["mail.template"].create(
            {
                "name": "Hello",
                "model_id": cls.env["ir.model"]._get_id("retention.run"),
                "subject": "Hello from {{ object.user_id.name }}",
                "body_html": "<p>Dear <t t-out='object.contact_id.name'/></p>",
                "email_from": "{{ object.user_id.email_formatted }}",
                "partner_to": "{{ object.contact_id.id }}",
                "use_default_to": False,
                "auto_delete": False,
            }
        )
        cls.product = cls.env["product.product"].create(
            {"name": "Study", "type": "service", "list_price": 1000.0, "taxes_id": []}
        )

    @classmethod
    def _create_playbook(cls, *steps, activate=True, **values):
        """Return a playbook with these steps: dicts of values, or numbers for calls
        after so many days."""
        playbook = cls.playbooks.create(
            {
                "name": "Rescue",
                "kind": "at_risk",
                "goal": "manual",
                "company_id": cls.company.id,
                "trigger_ids": [
                    Command.create({"signal_kind": "complaint", "severity": "1"})
                ],
                "step_ids": [
                    Command.create(cls._prepare_step(number, step))
                    for number, step in enumerate(steps or (0,), 1)
                ],
                **values,
            }
        )
        if activate:
            playbook.action_activate()
        return playbook

    @classmethod
    def _prepare_step(cls, number, step):
        if isinstance(step, int):
            step = {"delay_days": step}
        return {
            "name": f"Step {number}",
            "sequence": number * 10,
            "kind": "activity",
            "activity_type_id": cls.call.id,
            **step,
        }

    @classmethod
    def _create_signal(cls, partner, kind="complaint", severity="2", **values):
        return cls.env["retention.signal"].create(
            {
                "partner_id": partner.id,
                "company_id": cls.company.id,
                "kind": kind,
                "severity": severity,
                "user_id": partner.user_id.id,
                **values,
            }
        )

    @classmethod
    def _create_clients(cls, count, user=None, mail=False, **values):
        """Return clients of a manager, with a person each if they get mails."""
        clients = cls.env["res.partner"].create(
            [
                {
                    "name": f"Client {number:03}",
                    "is_company": True,
                    "user_id": (user or cls.own).id,
                    "email": f"client{number}@example.com" if mail else False,
                    **values,
                }
                for number in range(count)
            ]
        )
        return clients

    @classmethod
    def _start(cls, playbook, partner=None, **values):
        """Start a playbook by hand, and return the run."""
        return cls.runs._start_by_hand(playbook, partner or cls.client_a, **values)

    def _set_body(self, body, template=None):
        """Give a template a body that fails for some records: Odoo would try it with
        whatever record there is."""
        template = template or self.template
        with patch.object(type(template), "_check_can_be_rendered"):
            template.body_html = body

    def _job(self):
        """Do what the hourly job does, without committing."""
        with patch.object(IrCron, "_commit_progress", lambda *args, **kwargs: 1000.0):
            self.runs._cron_run()
        self.env.flush_all()
        self.env.invalidate_all()

    def _on(self, day, hour=8):
        """Return a context in which it is that day; a number counts from today."""
        if isinstance(day, int):
            day = self.today + timedelta(days=day)
        return self._at(day, hour)

    def _job_on(self, day, hour=8):
        with self._on(day, hour):
            self._job()

    def _get_states(self, run):
        """Return the states of the steps of a run."""
        return [step.state for step in run.step_ids.sorted()]

    def _get_days(self, run):
        """Return in how many days the steps of a run are due."""
        return [
            step.date_due and (step.date_due - self.today).days
            for step in run.step_ids.sorted()
        ]

    def _finish(self, activity, day=None, feedback=False):
        """Mark an activity as done on a day."""
        with self._on(day or 0):
            activity.action_feedback(feedback=feedback)

    def _create_order(self, partner=None, confirm=True, **values):
        order = self.env["sale.order"].create(
            {
                "partner_id": (partner or self.client_a).id,
                "user_id": self.own.id,
                "order_line": [
                    Command.create(
                        {"product_id": self.product.id, "product_uom_qty": 2}
                    )
                ],
                **values,
            }
        )
        if confirm:
            order.action_confirm()
        return order

    def _receive_mail(self, author, text="Yes, gladly"):
        """Let somebody answer by mail."""
        return self.client_a.message_post(
            body=text,
            message_type="email",
            author_id=author.id,
            email_from=author.email,
            subtype_xmlid="mail.mt_comment",
        )

    def _get_notes(self, partner=None):
        """Return the texts in the chatter of a client."""
        return " ".join((partner or self.client_a).message_ids.mapped("body"))

    def _moment(self, day, hour=8):
        return datetime.combine(fields.Date.to_date(day), time(hour))
