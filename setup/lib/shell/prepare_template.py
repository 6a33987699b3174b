"""Run in Odoo's shell: make a fresh database fit for tests in a browser."""

from odoo.tools.misc import file_path

# Debian's package leaves this file out, but the bundle still names it: every page of
# the web client would log an error, which fails every tour.
STRIPPED = "mail/static/lib/selfie_segmentation/selfie_segmentation.js"
try:
    file_path(STRIPPED)
except FileNotFoundError:
    env["ir.asset"].create(  # noqa: F821
        {
            "name": "File that Debian's package of Odoo leaves out",
            "bundle": "web.assets_backend",
            "directive": "remove",
            "path": STRIPPED,
        }
    )
env.cr.commit()  # noqa: F821
