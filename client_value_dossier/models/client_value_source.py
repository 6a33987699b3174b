from odoo import api, models


class ClientValueSource(models.AbstractModel):
    """Documents from which a favour can be logged with one button.

    Inherit it in a model and override :meth:`_prepare_value_entry` to prefill
    the dialog.
    """

    _name = "client.value.source"
    _description = "Client Value Source"

    def action_log_value(self):
        """Open the *Log value* dialog, prefilled from this document.

        :return: a window action on ``client.value.entry``
        """
        self.ensure_one()
        return self.env["client.value.entry"]._get_log_action(
            self._prepare_value_entry()
        )

    def _prepare_value_entry(self):
        """Return the values that an entry logged here starts with.

        :return: dict of field values of ``client.value.entry``
        """
        self.ensure_one()
        return {"user_id": self.env.uid}

    @api.model
    def _prepare_value_client(self, partner):
        """Return client and client's manager for a document's *partner*.

        :param partner: ``res.partner``, a client or one of its contacts
        """
        client = partner.commercial_partner_id
        return {
            "partner_id": client.id,
            "contact_id": partner.id if partner != client else False,
        }
