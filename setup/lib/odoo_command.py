"""``setup/odoo``: Odoo's command line in the provisioned environment."""

import os

from . import environment
from .paths import PYTHON, ROOT

USAGE = """\
Usage: setup/odoo [ARGUMENTS OF ODOO]

Runs Odoo 19 with the addons of this repository, after providing it if need be:

    setup/odoo -d mine -i client_value_dossier     install into a database, and serve it
    setup/odoo shell -d demo                       a Python prompt
    setup/odoo i18n export -d demo client_value_dossier
    setup/odoo --help-odoo                         the options of Odoo itself
"""


def main(arguments: list[str]) -> int:
    if arguments in (["-h"], ["--help"]):
        print(USAGE)
        return 0
    if arguments == ["--help-odoo"]:
        arguments = ["--help"]
    # Who is not root may work without what only the tests and PDFs need.
    env = environment.provide(system=os.geteuid() == 0)
    os.chdir(ROOT)
    os.execve(PYTHON, [str(PYTHON), "-m", "odoo", *arguments], env.variables())
