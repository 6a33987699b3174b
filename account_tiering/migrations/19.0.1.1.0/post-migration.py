from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Give the tiers that are owed newsletters their audiences."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    env["mailing.filter"]._follow_tiers(env["client.tier.cadence"].search([]).tier_id)
