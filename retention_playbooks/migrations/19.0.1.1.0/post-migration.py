from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Fill the list of the week with what signals and playbooks there are."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    env.ref("retention_playbooks.ir_cron_refresh_clients")._trigger()
