from odoo import models


class RetentionScan(models.Model):
    """The weekly search begins with what is usual, and ends with the digests."""

    _inherit = "retention.scan"

    def _scan_batch(self, size=None):
        clients = self.env["retention.client"]
        if not self.last_client_id:
            clients._recompute_usual_revenue(self.company_id)
        count = super()._scan_batch(size)
        if self.state == "done":
            clients._send_digests(self.company_id)
        return count
