from odoo import fields


class UncheckedMany2one(fields.Many2one):
    """A many2one without a foreign key in the database.

    Reviews write some columns for each of very many clients. Having PostgreSQL check
    100 000 times that the same few tiers exist takes longer than all the rest. What is
    referred to must not go away by other means: see ``client.tier`` and its
    ``_unlink_except_with_history``.
    """

    def update_db_foreign_key(self, model, column):
        pass
