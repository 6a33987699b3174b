from odoo import api, fields, models

KINDS = [
    ("left", "Archived"),
    ("moved", "Moved to another company"),
    ("replaced", "Replaced"),
    ("new", "New decision maker"),
]


class RetentionContactChange(models.Model):
    """A change of the people at a client. Contacts themselves do not remember when
    they were archived, moved or renamed, so it is noted as it happens."""

    _name = "retention.contact.change"
    _description = "Change of a Client's Contact"
    _order = "date desc, id desc"
    _rec_name = "name"

    client_id = fields.Many2one(
        comodel_name="res.partner", required=True, index=True, ondelete="cascade"
    )
    contact_id = fields.Many2one(
        comodel_name="res.partner", index=True, ondelete="set null"
    )
    kind = fields.Selection(selection=KINDS, required=True)
    date = fields.Date(required=True, default=fields.Date.context_today)
    name = fields.Char(required=True, help="The contact's name after the change.")
    former_name = fields.Char()

    @api.model
    def _note(self, kind, contacts, client_of=None, former_names=None):
        """Note a change of contacts. One of the same kind, contact and day is noted
        once.

        :param client_of: {contact id: id of the client}, by default that they have now
        :param former_names: {contact id: name before}
        :returns: the clients, ``res.partner``
        """
        # sudo: whoever may change the contact; nobody writes this by hand
        self = self.sudo()
        today = fields.Date.context_today(self)
        noted = {
            change.contact_id.id
            for change in self.search(
                [
                    ("contact_id", "in", contacts.ids),
                    ("kind", "=", kind),
                    ("date", "=", today),
                ]
            )
        }
        changes = self.create(
            [
                {
                    "kind": kind,
                    "client_id": (client_of or {}).get(contact.id)
                    or contact.commercial_partner_id.id,
                    "contact_id": contact.id,
                    "name": contact.name or contact.email or contact.display_name,
                    "former_name": (former_names or {}).get(contact.id),
                    "date": today,
                }
                for contact in contacts
                if contact.id not in noted
            ]
        )
        return changes.client_id

    @api.model
    def _take_back(self, kind, contacts):
        """Forget changes of a kind that have been undone.

        :returns: the clients, ``res.partner``
        """
        # sudo: as in _note
        changes = self.sudo().search(
            [("contact_id", "in", contacts.ids), ("kind", "=", kind)]
        )
        clients = changes.client_id
        changes.unlink()
        return clients

    @api.autovacuum
    def _gc_changes(self):
        """Forget changes that no rule looks back to any more."""
        days = max(
            self.env["retention.rule"]
            .with_context(active_test=False)
            .search([("kind", "=", "new_contact")])
            .mapped("days"),
            default=0,
        )
        today = fields.Date.context_today(self)
        bound = fields.Date.subtract(today, days=max(2 * days, 365))
        self.search([("date", "<", bound)]).unlink()
