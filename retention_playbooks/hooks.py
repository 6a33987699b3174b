def post_init_hook(env):
    """Give the companies that exist already the rules that new ones start with."""
    env["retention.rule"]._create_defaults(env["res.company"].search([]))
