from datetime import date

from odoo import fields

from .playbook_common import PlaybookCommon


class EffectCommon(PlaybookCommon):
    """Helpers that give clients a past in a playbook. It is 2 March 2026, and six
    months are compared: those who entered on 2 September 2025 are the last ones whose
    months after are over."""

    #: Two weeks before the last day that can be compared.
    ENTERED = "2025-08-19"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.retention_effect_months = 6
        cls.entries = cls.env["retention.effect.client"]
        cls.playbook = cls._create_playbook()

    @classmethod
    def _enter(cls, client, day=ENTERED, state="won", days=10, drawn=False, **values):
        """Return the run of a client that entered on a day, and ended after so many."""
        started = fields.Datetime.to_datetime(day)
        ended = state in ("won", "lost", "stopped")
        playbook = values.pop("playbook", cls.playbook)
        run = cls.runs.create(
            {
                "playbook_id": playbook.id,
                "partner_id": client.id,
                "company_id": cls.company.id,
                "user_id": client.user_id.id,
                "state": state,
                "started_on": started if state != "queued" else False,
                "ended_on": ended and fields.Datetime.add(started, days=days),
                **values,
            }
        )
        if drawn:
            cls.env["retention.lot"].create(
                {
                    "playbook_id": playbook.id,
                    "partner_id": client.id,
                    "company_id": cls.company.id,
                    "run_id": run.id,
                    "date": day,
                }
            )
        return run

    @classmethod
    def _leave_alone(cls, client, day=ENTERED, playbook=None):
        return cls.env["retention.holdout"].create(
            {
                "playbook_id": (playbook or cls.playbook).id,
                "partner_id": client.id,
                "company_id": cls.company.id,
                "date": day,
            }
        )

    @classmethod
    def _bill(cls, client, day, amount, **values):
        """Return an invoice of a day; a credit note for a negative amount."""
        return cls._create_invoice(
            client, amount, invoice_date=date.fromisoformat(day), **values
        )

    def _get_entry(self, record):
        """Return what the report says of a run, or of a client left alone."""
        if record._name == "retention.run":
            return self.entries.search([("run_id", "=", record.id)])
        return self.entries.search(
            [
                ("playbook_id", "=", record.playbook_id.id),
                ("partner_id", "=", record.partner_id.id),
                ("run_id", "=", False),
            ]
        )

    def _get_effect(self, playbook=None, user=None):
        """Return the effect of a playbook, as a user sees it."""
        effects = self.env["retention.effect"].with_user(user or self.manager)
        rows = effects._compute_rows()
        return rows.filtered(
            lambda row: row.playbook_id.id == (playbook or self.playbook).id
        )
