"""Checks that hold for the whole test session."""

from pathlib import Path

import pytest

ADDONS = sorted(
    path.parent.name for path in Path(__file__).parent.glob("*/__manifest__.py")
)


@pytest.fixture(scope="session", autouse=True)
def _addons_are_installed(request):
    """End the session when its database lacks an addon: its tests would mean nothing.

    Without a database (pure tests only) there is nothing to check.
    """
    if not request.config.pluginmanager.hasplugin("odoo"):
        return
    import odoo
    from odoo.orm.registry import Registry

    names = odoo.tools.config["db_name"]
    if not names:
        return
    with Registry(names[0]).cursor() as cr:
        cr.execute(
            "SELECT name FROM ir_module_module"
            " WHERE state = 'installed' AND name = ANY(%s)",
            [ADDONS],
        )
        missing = set(ADDONS) - {name for (name,) in cr.fetchall()}
    if missing:
        pytest.exit(
            f"Not installed in database {names[0]}: {', '.join(sorted(missing))}",
            returncode=3,
        )
