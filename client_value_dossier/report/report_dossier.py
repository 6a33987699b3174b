from odoo import api, models

from ..tools.formatting import SnapshotFormatter
from ..tools.paging import shorten
from .dossier_layout import (
    PIXELS_PER_MM,
    DossierLayout,
    brand_colour,
    watermark_styles,
)

FOOTER_SIZE = 8


class ReportDossier(models.AbstractModel):
    _name = "report.client_value_dossier.report_dossier"
    _description = "Value Dossier (Report)"

    @api.model
    def _get_report_values(self, docids, data=None):
        """Return what the template shows; all of it comes from the snapshots."""
        data = data or {}
        dossiers = self.env["client.value.dossier"].browse(docids)
        printing = data.get("report_type") == "pdf"
        report = self.env["ir.actions.report"]._get_report(self._report_name())
        engine = report._dossier_engine() if printing else {}
        own_footer = not engine.get("footer")
        docs = [
            self._prepare_doc(dossier, report.get_paperformat(), own_footer)
            for dossier in dossiers
        ]
        return {
            "doc_ids": docids,
            "doc_model": "client.value.dossier",
            "docs": docs,
            "preview": not printing,
            "zoom": engine.get("zoom"),
            "colour": docs[0]["colour"] if docs else brand_colour(""),
            "report_footer": docs[0]["page_pattern"] if docs else "",
        }

    @api.model
    def _report_name(self):
        return self._name.removeprefix("report.")

    @api.model
    def _prepare_doc(self, dossier, paperformat, own_footer):
        """Return one dossier ready for the template."""
        snapshot = dossier._get_snapshot()
        return self._prepare_doc_from_snapshot(
            snapshot,
            self._page_size(paperformat),
            own_footer,
            record=dossier,
            cancelled=dossier.state == "cancelled",
            replaced_by=self._replaced_by(dossier),
        )

    @api.model
    def _replaced_by(self, dossier):
        """Hook: the text that says which dossier took a cancelled one's place."""
        return ""

    @api.model
    def _page_size(self, paperformat):
        """Return width and height of the printed area in CSS pixels."""
        width = paperformat.print_page_width
        height = paperformat.print_page_height
        width -= paperformat.margin_left + paperformat.margin_right
        height -= paperformat.margin_top + paperformat.margin_bottom
        return int(width * PIXELS_PER_MM), int(height * PIXELS_PER_MM)

    @api.model
    def _prepare_doc_from_snapshot(
        self, snapshot, size, own_footer, record=None, cancelled=False, replaced_by=""
    ):
        """Return a snapshot ready for the template: formatted and cut into pages."""
        width, height = size
        labels = snapshot["labels"]
        mark, state, state_text = "", "issued", ""
        if cancelled:
            mark, state = labels["cancelled"], "cancelled"
            state_text = " · ".join(filter(None, [mark, replaced_by]))
        elif not snapshot.get("number"):
            mark, state = labels["draft"], "draft"
        layout = DossierLayout(
            snapshot,
            SnapshotFormatter(snapshot),
            width,
            height,
            own_footer,
            state_text,
        )
        number = snapshot.get("number") or labels["draft"]
        footer = [mark] if cancelled else []
        footer += [f"{snapshot['title']} {number}", snapshot["client"]["name"]]
        page_height = f"min-height:{height - 12}px;" if own_footer else ""
        return {
            "record": record,
            "model": record._name if record else None,
            "id": record.id if record else None,
            "lang": snapshot["lang"].replace("_", "-"),
            "snapshot": snapshot,
            "pages": layout.make_pages(),
            "state": state,
            "mark": mark,
            "marks": watermark_styles(mark, width) if mark else [],
            "footer": shorten(" · ".join(footer), 0.78 * width, FOOTER_SIZE),
            "own_footer": own_footer,
            "page_pattern": f"{labels['page']} [page] {labels['of']} [topage]",
            "page_style": f"width:{width}px;{page_height}",
            "width": width,
            "colour": brand_colour(snapshot["company"].get("colour")),
        }


class ReportDossierPreview(models.AbstractModel):
    _name = "report.client_value_dossier.report_dossier_preview"
    _inherit = "report.client_value_dossier.report_dossier"
    _description = "Value Dossier (Preview)"
