import os
import tempfile
from io import BytesIO

from odoo import http
from odoo.http import Stream, content_disposition, request

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ClientValueController(http.Controller):
    """Downloads of the addon. Rights are those of the user who is logged in."""

    @http.route(
        '/client_value_dossier/<model("client.value.dossier"):dossier>/workbook.xlsx',
        type="http",
        auth="user",
        methods=["GET"],
    )
    def dossier_workbook(self, dossier):
        """Download a dossier as a workbook."""
        dossier.check_access("read")
        return self._send_workbook(
            dossier._render_workbook(), f"{dossier._get_file_name()}.xlsx"
        )

    @http.route(
        "/client_value_dossier/import_template.xlsx",
        type="http",
        auth="user",
        methods=["GET"],
    )
    def import_template(self):
        """Download the sheet in which value entries are prepared for import."""
        entries = request.env["client.value.entry"]
        entries.check_access("create")
        buffer = BytesIO()
        entries._write_import_template(buffer)
        return self._send_workbook(
            buffer.getvalue(), f"{request.env._('Value entries')}.xlsx"
        )

    @http.route(
        '/client_value_dossier/portfolio/<model("client.value.portfolio"):portfolio>'
        "/portfolio.xlsx",
        type="http",
        auth="user",
        methods=["GET"],
    )
    def portfolio(self, portfolio):
        """Download the portfolio workbook, streamed from a temporary file so that
        its size does not matter."""
        portfolio.check_access("read")
        handle, path = tempfile.mkstemp(suffix=".xlsx")
        os.close(handle)
        try:
            portfolio._write_workbook(path)
            stream = Stream(
                type="path",
                path=path,
                mimetype=XLSX,
                download_name=f"{request.env._('Portfolio')}.xlsx",
                size=os.path.getsize(path),
                last_modified=None,
                etag=False,
                conditional=False,
            )
            response = stream.get_response(as_attachment=True)
        finally:
            # The open file is still sent; its name is gone whatever happens.
            os.unlink(path)
        return response

    def _send_workbook(self, content, name):
        return request.make_response(
            content,
            headers=[
                ("Content-Type", XLSX),
                ("Content-Disposition", content_disposition(name)),
            ],
        )
