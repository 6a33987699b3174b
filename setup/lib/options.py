"""The options that the commands share."""

import argparse


def parser(name: str, description: str, epilog: str) -> argparse.ArgumentParser:
    """Return a parser for a command of this folder."""
    return argparse.ArgumentParser(
        prog=f"setup/{name}",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


ENVIRONMENT = """\
environment variables:
  ODOO_PATH   an Odoo 19.0 of your own (a checkout, or where it is installed);
              without it, Debian's package is unpacked into .odoo
  PGHOST      a PostgreSQL server of your own (with PGPORT, PGUSER, PGPASSWORD; the
              role may create databases); without it, a private one runs in .odoo

Everything lies in the folder .odoo of the checkout; apt installs wkhtmltopdf, Chromium
and poppler-utils when they are missing and the caller is root.
"""
