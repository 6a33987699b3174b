from odoo import api, models

from .retention_run import OPEN_STATES


class RetentionRun(models.Model):
    """Following: what is open goes along with its client and its account manager."""

    _inherit = "retention.run"

    @api.model
    def _follow_managers(self, partners):
        """Hand the open runs of clients over to their account managers, with the
        activities that were the former one's, and tell them.

        :param partners: clients whose account manager has changed
        """
        runs = self.with_context(**self._get_quiet_context()).search(
            [("partner_id", "in", partners.ids), ("state", "in", OPEN_STATES)]
        )
        handed = runs.filtered(lambda run: run.user_id != run._get_manager())
        for (former, user), some in handed.grouped(
            lambda run: (run.user_id, run._get_manager())
        ).items():
            activities = some.step_ids.activity_id.filtered(
                lambda one, former=former: one.active and one.user_id == former
            )
            some.write({"user_id": user.id})
            activities.write({"user_id": user.id})
            some.step_ids.filtered(
                lambda step, former=former: (
                    step.state in ("open", "failed") and step.user_id == former
                )
            ).write({"user_id": user.id})
        handed._notify_owners(
            lambda env: env._("Clients in playbooks were handed over to you"),
            lambda run: run.partner_id.display_name,
        )

    def _get_manager(self):
        """Return who looks after the client of a run in its company."""
        return (
            self.partner_id._get_account_manager(self.company_id)
            or self.playbook_id.user_id
        )

    @api.model
    def _follow_archived(self, partners):
        """Stop the runs of archived clients."""
        runs = self.search(
            [("partner_id", "in", partners.ids), ("state", "in", OPEN_STATES)]
        )
        runs._end("stopped", self.env._("The client is archived."))

    @api.model
    def _merge_clients(self, sources, target):
        """Give the runs of clients to the one that they become. Of two open runs of a
        kind the one that is further on stays, the other one is stopped. What was drawn
        by lot goes along.

        :param sources: ``res.partner`` that cease to be clients of their own
        :param target: the client that they become
        """
        runs = self.search([("partner_id", "in", (sources | target).ids)])
        opened = runs.filtered(lambda run: run.state in OPEN_STATES)
        for same in opened.grouped(lambda run: (run.company_id, run.kind)).values():
            same = same.sorted(
                lambda run: (
                    run.state != "running",
                    run.started_on or run.create_date,
                    run.id,
                )
            )
            same[1:]._end("stopped", self.env._("The client was merged with another."))
        self.env.flush_all()
        moved = runs.filtered(lambda run: run.partner_id != target)
        moved.with_context(**self._get_quiet_context()).write({"partner_id": target.id})
        self.env["retention.lot"]._merge_clients(sources, target)
