from odoo import api, models

#: Fields of a signal that the list of the week depends on.
SHOWN = frozenset(
    ("state", "severity", "user_id", "partner_id", "company_id", "kind", "channel")
)


class RetentionSignal(models.Model):
    """Signals keep the list of the week up to date."""

    _inherit = "retention.signal"

    @api.model_create_multi
    def create(self, vals_list):
        signals = super().create(vals_list)
        signals._mark_clients()
        return signals

    def write(self, vals):
        shown = bool(vals.keys() & SHOWN)
        if shown:
            self._mark_clients()
        result = super().write(vals)
        if shown:
            self._mark_clients()
        return result

    def unlink(self):
        self._mark_clients()
        return super().unlink()

    def _mark_clients(self):
        """Bring the clients of these signals up to date on the list of the week."""
        self.env["retention.client"]._mark(
            (signal.company_id.id, signal.partner_id.id) for signal in self.sudo()
        )

    @api.model
    def _refresh(self, company, client_ids, kinds=None):
        """Bring the list of the week up to date at once: signals are written by SQL
        here."""
        effect = super()._refresh(company, client_ids, kinds)
        # sudo: as for the signals
        self.env["retention.client"].sudo()._refresh(company, client_ids)
        return effect

    @api.model
    def _after_find(self, company, client_ids, findings):
        """Tell the health of clients from what was found."""
        result = super()._after_find(company, client_ids, findings)
        self.env["retention.health"]._refresh(company, client_ids, findings)
        return result
