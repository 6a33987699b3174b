from odoo import api, models
from odoo.exceptions import AccessError, UserError

from .retention_run import OPEN_STATES


class RetentionRun(models.Model):
    """Starting by hand."""

    _inherit = "retention.run"

    @api.model
    def _start_by_hand(self, playbook, clients, reason=None, contact=None):
        """Start a playbook for clients, and return the runs.

        :param playbook: ``retention.playbook``
        :param clients: ``res.partner``
        :param reason: ``retention.lost.reason``, or none
        :param contact: whom to address, or none for the first one with an address
        :raises AccessError: a client is not the user's
        :raises UserError: the playbook is not active, or a client is in one of its kind
        """
        playbook.check_access("read")
        clients.check_access("read")
        if playbook.state != "active":
            raise UserError(self.env._("Activate the playbook first."))
        user = self.env.user
        if not user.has_group("sales_team.group_sale_salesman_all_leads"):
            foreign = clients.filtered(lambda client: client.user_id != user)
            if foreign:
                raise AccessError(
                    self.env._(
                        "These are not your clients: %s",
                        ", ".join(foreign.mapped("name")),
                    )
                )
        company = playbook.company_id or self.env.company
        # sudo: the wizard creates runs, which are not created by hand
        runs = self.sudo().with_context(**self._get_quiet_context())
        there = runs.search(
            [
                ("partner_id", "in", clients.ids),
                ("company_id", "=", company.id),
                ("kind", "=", playbook.kind),
                ("state", "in", OPEN_STATES),
            ]
        )
        running = there.filtered(lambda run: run.state == "running")
        if running:
            raise UserError(
                self.env._(
                    "Already in a playbook of this kind: %s",
                    ", ".join(running.partner_id.mapped("name")),
                )
            )
        there.unlink()
        signals = self._get_signals_by_hand(playbook, clients, company)
        runs = runs.create(
            [
                {
                    "playbook_id": playbook.id,
                    "partner_id": client.id,
                    "company_id": company.id,
                    "contact_id": contact.id if contact else False,
                    "signal_id": signals[client.id].id,
                    "reason_id": (reason or signals[client.id].reason_id).id,
                    "state": "queued",
                }
                for client in clients
            ]
        )
        for run in runs:
            run.user_id = run._get_manager()
            run.severity = run.signal_id.severity
        runs._start()
        runs._advance()
        return runs.with_env(self.env)

    def _get_signals_by_hand(self, playbook, clients, company):
        """Return {client id: the open signal that the playbook is about, if any}."""
        # sudo: as the job that lets clients enter
        signals = self.env["retention.signal"].sudo()
        found = signals.search(
            [
                ("partner_id", "in", clients.ids),
                ("company_id", "=", company.id),
                ("kind", "in", playbook.trigger_ids.mapped("signal_kind")),
                ("state", "=", "open"),
            ],
            order="severity, id desc",
        )
        none = dict.fromkeys(clients.ids, signals.browse())
        return none | {signal.partner_id.id: signal for signal in found}
