from odoo import api, models


class ClientValueClientMixin(models.AbstractModel):
    """Records that belong to a client, always a commercial entity.

    Models that inherit it have ``partner_id`` and name in ``_contact_field`` the
    field for a person on the client's side.
    """

    _name = "client.value.client.mixin"
    _description = "Client Value Client Mixin"
    _contact_field = None

    @api.model
    def _normalise_client(self, vals):
        """Return *vals* with the commercial entity as client; a contact that was
        given as client becomes the person on the client's side instead."""
        partner = self.env["res.partner"].browse(vals.get("partner_id") or [])
        client = partner.commercial_partner_id
        if partner == client:
            return vals
        vals = dict(vals, partner_id=client.id)
        if not vals.get(self._contact_field):
            vals[self._contact_field] = partner.id
        return vals

    def _follow_commercial_entity(self):
        """Move the records of a client that has become somebody's contact to the
        new commercial entity; the former client stays as the person there."""
        for client, records in self.grouped("partner_id").items():
            owner = client.commercial_partner_id
            if owner != client:
                records._move_to_client(owner, client)

    def _move_to_client(self, client, contact):
        """Write the new client; *contact* where no person is named yet."""
        self.filtered(lambda record: not record[self._contact_field]).write(
            {self._contact_field: contact.id}
        )
        self.write({"partner_id": client.id})
