"""Run in Odoo's shell: build the asset bundles once, not again in every tour."""

env["ir.qweb"]._pregenerate_assets_bundles()  # noqa: F821
env.cr.commit()  # noqa: F821
