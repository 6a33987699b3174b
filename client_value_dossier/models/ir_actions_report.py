from collections import OrderedDict

import lxml.html

from odoo import api, models
from odoo.exceptions import UserError

from odoo.addons.base.models import ir_actions_report

# Debian's wkhtmltopdf (without patched Qt) prints a page of its own choice of width
# on the paper, 1.302 times too small, and ignores every switch that would change it.
UNPATCHED_ZOOM = "1.302"


class IrActionsReport(models.Model):
    _inherit = "ir.actions.report"

    def _has_dossier_layout(self):
        """Whether the report's template is a complete page of its own.

        Such a page needs none of Odoo's layout, assets and HTTP requests, and has a
        footer of text. An addon that adds such a report extends this hook.
        """
        return self.report_name in (
            "client_value_dossier.report_dossier",
            "client_value_dossier.report_dossier_preview",
        )

    @api.model
    def _dossier_engine(self):
        """Return what the installed wkhtmltopdf can do.

        ``footer``: it prints a footer of text; ``zoom``: what makes its pixels as
        large as they should be, None for those that are right.
        """
        if ir_actions_report._wkhtml().is_patched_qt:
            return {"footer": True, "zoom": None}
        return {"footer": False, "zoom": UNPATCHED_ZOOM}

    def _prepare_html(self, html, report_model=False):
        if not self._has_dossier_layout():
            return super()._prepare_html(html, report_model=report_model)
        root = lxml.html.fromstring(
            html, parser=lxml.html.HTMLParser(encoding="utf-8", huge_tree=True)
        )
        ids = [
            int(main.get("data-oe-id")) if main.get("data-oe-id") else None
            for main in root.iter("main")
        ]
        specific = {"data-report-dossier": root.get("data-report-dossier") or ""}
        body = html.decode() if isinstance(html, bytes) else html
        return [body], ids, None, None, specific

    @api.model
    def _build_wkhtmltopdf_args(
        self,
        paperformat_id,
        landscape,
        specific_paperformat_args=None,
        set_viewport_size=False,
    ):
        args = super()._build_wkhtmltopdf_args(
            paperformat_id,
            landscape,
            specific_paperformat_args=specific_paperformat_args,
            set_viewport_size=set_viewport_size,
        )
        page = (specific_paperformat_args or {}).get("data-report-dossier")
        if page is None:
            return args
        return self._adapt_dossier_args(args, page)

    @api.model
    def _adapt_dossier_args(self, args, page):
        """Leave out what a page without scripts does not need, add the footer.

        :param page: the pattern of the page's number
        """
        args = list(args)
        if "--javascript-delay" in args:
            # Odoo waits a second for scripts; the page has none.
            place = args.index("--javascript-delay")
            del args[place : place + 2]
        args += ["--disable-javascript", "--javascript-delay", "0"]
        if self._dossier_engine()["footer"]:
            args += ["--footer-font-name", "DejaVu Sans", "--footer-font-size", "6"]
            args += ["--footer-spacing", "5"]
            args += ["--footer-left", "[title]", "--footer-right", page]
        else:
            args = [arg for arg in args if arg != "--disable-smart-shrinking"]
        return args

    @api.model
    def _run_wkhtmltopdf(self, bodies, *args, specific_paperformat_args=None, **kwargs):
        """Refuse to take nothing for a PDF: Odoo only logs what wkhtmltopdf says
        when it ends with status 1.

        :raise UserError: when a dossier could not be printed
        """
        content = super()._run_wkhtmltopdf(
            bodies,
            *args,
            specific_paperformat_args=specific_paperformat_args,
            **kwargs,
        )
        ours = "data-report-dossier" in (specific_paperformat_args or {})
        if ours and not (content or b"").startswith(b"%PDF"):
            raise UserError(
                self.env._(
                    "wkhtmltopdf made no PDF. The server's log says what it complained "
                    "about."
                )
            )
        return content

    def _render_qweb_pdf_prepare_streams(self, report_ref, data, res_ids=None):
        """Print several dossiers one by one.

        Each has its own page numbers, and wkhtmltopdf without patched Qt cannot take
        several documents at once.
        """
        if not (
            res_ids
            and len(set(res_ids)) > 1
            and self._get_report(report_ref)._has_dossier_layout()
        ):
            return super()._render_qweb_pdf_prepare_streams(
                report_ref, data, res_ids=res_ids
            )
        streams = OrderedDict()
        for res_id in dict.fromkeys(res_ids):
            streams.update(
                super()._render_qweb_pdf_prepare_streams(
                    report_ref, dict(data or {}), res_ids=[res_id]
                )
            )
        return streams
