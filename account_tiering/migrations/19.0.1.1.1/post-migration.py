from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Mark the digests that there are, so that nobody gets a second one; of several of
    a user the last one stays."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    kind = env.ref("account_tiering.mail_activity_type_digest")
    digests = env["mail.activity"].search(
        [("activity_type_id", "=", kind.id), ("res_model", "=", False)],
        order="id desc",
    )
    for same in digests.grouped("user_id").values():
        same[1:].unlink()
        same[:1].digest_kind = "touchpoint"
