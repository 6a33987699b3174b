def post_init_hook(env):
    """Give the companies that exist already the tiers that new ones start with."""
    env["res.company"].search([])._create_default_tiers()
