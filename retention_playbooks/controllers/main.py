from odoo import http
from odoo.http import request

from odoo.addons.account_tiering.controllers.main import AccountTieringController


class RetentionPlaybooksController(AccountTieringController):
    """Downloads of the addon. Rights are those of the user who is logged in."""

    @http.route(
        "/retention_playbooks/effect.xlsx", type="http", auth="user", methods=["GET"]
    )
    def effect_workbook(self):
        """Download the reports on retention, of the clients that the user may see, and
        of the companies that he has chosen."""
        chosen = request.cookies.get("cids", "")
        allowed = request.env.user.company_ids.ids
        ids = [int(one) for one in chosen.split("-") if one.isdigit()]
        ids = [one for one in ids if one in allowed] or request.env.company.ids
        effect = request.env["retention.effect"].with_context(allowed_company_ids=ids)
        effect.check_access("create")
        return self._send_workbook(
            effect._write_workbook, request.env._("Effect of retention")
        )
