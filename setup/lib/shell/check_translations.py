"""Run in Odoo's shell: compare each addon's .pot with the terms it has now."""

import io
import os
from pathlib import Path

import polib

from odoo.tools.translate import trans_export

for addon in os.environ["CHECKED_ADDONS"].split(","):
    buffer = io.BytesIO()
    trans_export(False, [addon], buffer, "po", env)  # noqa: F821
    path = Path(os.environ["CHECKED_ROOT"], addon, "i18n", f"{addon}.pot")
    present = {entry.msgid for entry in polib.pofile(buffer.getvalue().decode())}
    written = {e.msgid for e in polib.pofile(str(path))} if path.exists() else set()
    for term in sorted(present - written):
        print(f"TERM missing in {addon}.pot: {term[:90]!r}")
    for term in sorted(written - present):
        print(f"TERM outdated in {addon}.pot: {term[:90]!r}")
