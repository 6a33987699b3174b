from odoo import api, fields, models
from odoo.exceptions import UserError


class ClientTierSet(models.TransientModel):
    """Gives clients a tier by hand, or locks it."""

    _name = "client.tier.set"
    _description = "Change Client Tier"

    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self._default_company_id(),
    )
    partner_ids = fields.Many2many(
        comodel_name="res.partner",
        string="Clients",
        required=True,
        default=lambda self: self._default_partner_ids(),
    )
    tier_id = fields.Many2one(
        comodel_name="client.tier",
        compute="_compute_present",
        store=True,
        readonly=False,
        domain="[('company_id', '=', company_id)]",
    )
    reason = fields.Char(
        string="Why", help="Your colleagues read it in the client's history."
    )
    locked = fields.Boolean(
        string="Lock It",
        compute="_compute_present",
        store=True,
        readonly=False,
        help="Reviews then leave the tier as it is.",
    )
    lock_reason = fields.Char(
        string="Why Locked", compute="_compute_present", store=True, readonly=False
    )
    lock_until = fields.Date(
        string="Locked Until", compute="_compute_present", store=True, readonly=False
    )

    def _default_company_id(self):
        return self.env.company

    def _default_partner_ids(self):
        context = self.env.context
        records = self.env[context.get("active_model") or "res.partner"].browse(
            context.get("active_ids") or []
        )
        partners = records if records._name == "res.partner" else records.partner_id
        return partners.commercial_partner_id

    @api.depends("company_id")
    def _compute_present(self):
        """Begin with what all of the clients have in common."""
        for wizard in self:
            given = wizard._get_assignments()
            alone = len(given) == 1 and len(wizard.partner_ids) == 1
            same = len(given.tier_id) == 1 and len(given) == len(wizard.partner_ids)
            wizard.tier_id = given.tier_id if same else False
            wizard.locked = alone and given.locked
            wizard.lock_reason = alone and given.lock_reason
            wizard.lock_until = alone and given.lock_until

    def action_set(self):
        """Give the clients the tier, and lock or unlock it.

        Of several clients, those that are locked stay so unless all get another lock.
        """
        self.ensure_one()
        if not self.tier_id and self.locked:
            raise UserError(self.env._("Choose the tier that is to be locked."))
        assignments = self.env["client.tier.assignment"]
        given = assignments._assign(
            self.partner_ids, self.company_id, self.tier_id, self.reason
        )
        if self.locked or len(self.partner_ids) == 1:
            given.write(
                {
                    "locked": self.locked,
                    "lock_reason": self.locked and self.lock_reason,
                    "lock_until": self.locked and self.lock_until,
                }
            )
        return {"type": "ir.actions.act_window_close"}

    def _get_assignments(self):
        return self.env["client.tier.assignment"].search(
            [
                ("partner_id", "in", self.partner_ids._origin.ids),
                ("company_id", "=", self.company_id.id),
            ]
        )
