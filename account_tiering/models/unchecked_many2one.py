from odoo import fields


class UncheckedMany2one(fields.Many2one):
    """A many2one without a foreign key in the database.

    Reviews write some columns for each of very many clients. Having PostgreSQL check
    100 000 times that the same review and a few tiers exist takes longer than all the
    rest. What is referred to must not leave lines behind: see how ``client.tier`` and
    ``client.tier.review`` are deleted.
    """

    def update_db_foreign_key(self, model, column):
        pass
