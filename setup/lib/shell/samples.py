"""Run in Odoo's shell: write the issued dossiers of the demo data as PDF and XLSX.

Nothing is committed. The server at ``SAMPLES_SERVER`` serves the style sheets.
"""

import os
from pathlib import Path

folder = Path(os.environ["SAMPLES_FOLDER"])
report = "client_value_dossier.action_report_dossier"
env = env  # noqa: F821, PLW0127 (Odoo's shell defines it)

if "client.value.dossier" in env:
    env["ir.config_parameter"].set_param("report.url", os.environ["SAMPLES_SERVER"])
    taken = set()
    issued = [("state", "=", "issued")]
    for dossier in env["client.value.dossier"].search(issued, order="id"):
        slug = env["ir.http"]._slugify(dossier.partner_id.name) or str(dossier.id)
        name = f"dossier-{slug}"
        if name in taken:
            name = f"{name}-{dossier.id}"
        taken.add(name)
        pdf, _kind = env["ir.actions.report"]._render_qweb_pdf(report, dossier.ids)
        for suffix, content in (("pdf", pdf), ("xlsx", dossier._render_workbook())):
            part = folder / f".{name}.{suffix}"
            part.write_bytes(content)
            part.rename(folder / f"{name}.{suffix}")
            print(folder / f"{name}.{suffix}")
env.cr.rollback()
