import os
import tempfile

from odoo import http
from odoo.http import Stream, request

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class AccountTieringController(http.Controller):
    """Downloads of the addon. Rights are those of the user who is logged in."""

    @http.route(
        '/account_tiering/review/<model("client.tier.review"):review>/review.xlsx',
        type="http",
        auth="user",
        methods=["GET"],
    )
    def review_workbook(self, review):
        """Download a review as a workbook."""
        review.check_access("read")
        return self._send_workbook(review._write_workbook, review.name)

    @http.route(
        "/account_tiering/tiers.xlsx", type="http", auth="user", methods=["GET"]
    )
    def tier_list_workbook(self):
        """Download the clients of all tiers that the user may see."""
        assignments = request.env["client.tier.assignment"]
        assignments.check_access("read")
        return self._send_workbook(
            assignments._write_workbook, request.env._("Clients by tier")
        )

    def _send_workbook(self, write, name):
        """Send a workbook from a temporary file, whatever its size.

        :param write: function that writes it to a path
        """
        handle, path = tempfile.mkstemp(suffix=".xlsx")
        os.close(handle)
        try:
            write(path)
            stream = Stream(
                type="path",
                path=path,
                mimetype=XLSX,
                download_name=f"{name}.xlsx",
                size=os.path.getsize(path),
                last_modified=None,
                etag=False,
                conditional=False,
            )
            return stream.get_response(as_attachment=True)
        finally:
            # The open file is still sent; its name is gone whatever happens.
            os.unlink(path)
