from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, split_every

from ..tools.workbook import Column, Sheet, write_workbook
from .unchecked_many2one import UncheckedMany2one

#: Clients that a workbook reads at once.
BATCH = 1000

#: Why newsletters reach nobody of a client.
REACH = [
    ("no_email", "Nobody has an email address"),
    ("blacklisted", "All addresses are blacklisted"),
    ("bounced", "All mails came back"),
]


class ClientTierAssignment(models.Model):
    """The tier of one client in one company.

    A table of its own: a partner is a heavy record, and tiers are many at once. Clients
    show it as ``tier_id``; contacts show that of their company.
    """

    _name = "client.tier.assignment"
    _description = "Client Tier Assignment"
    _order = "tier_id, partner_id"
    _rec_name = "partner_id"
    _check_company_auto = True
    # Who and when is in the history; a review writes a record for every client.
    _log_access = False

    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Client",
        required=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self._default_company_id(),
        ondelete="cascade",
    )
    tier_id = UncheckedMany2one(
        comodel_name="client.tier",
        index=True,
        check_company=True,
        group_expand="_group_expand_tiers",
    )
    since = fields.Date(string="In This Tier Since")
    locked = fields.Boolean(
        help="Reviews do not change the tier of a locked client.",
    )
    lock_reason = fields.Char()
    lock_until = fields.Date(
        string="Locked Until",
        help="Left empty, it is locked until somebody unlocks it.",
    )
    is_locked = fields.Boolean(
        string="Locked Now", compute="_compute_is_locked", search="_search_is_locked"
    )
    # The pricelist that came with the tier: only this one may be replaced.
    pricelist_id = fields.Many2one(
        comodel_name="product.pricelist",
        string="Pricelist of the Tier",
        readonly=True,
        copy=False,
        ondelete="set null",
    )
    account_manager_id = fields.Many2one(
        related="partner_id.user_id", string="Account Manager"
    )
    partner_active = fields.Boolean(related="partner_id.active", string="Active Client")
    tier_color = fields.Integer(related="tier_id.color", string="Colour")
    # The plan of touchpoints
    touch_since = fields.Date(
        string="Planned Since",
        readonly=True,
        copy=False,
        help="Day on which touchpoints of the client were planned first.",
    )
    touch_at_once = fields.Boolean(
        string="Contacted at Once",
        readonly=True,
        copy=False,
        help="A new client: the first contact was due on the day of the first plan. "
        "The others begin at a time of the year of their own.",
    )
    touch_planned_on = fields.Date(
        string="Planned On",
        readonly=True,
        copy=False,
        help="Day of the last plan; empty when the client is to be planned again.",
    )
    newsletter_reach = fields.Selection(
        # Whether mails come back shows with a touchpoint, when one was sent.
        selection=[one for one in REACH if one[0] != "bounced"],
        string="Newsletters Do Not Arrive",
        compute="_compute_newsletter_reach",
        search="_search_newsletter_reach",
        help="Why newsletters reach nobody of the client.",
    )

    _client_uniq = models.Constraint(
        "UNIQUE(partner_id, company_id)",
        "This client has a tier in this company already: change that one.",
    )
    _touch_idx = models.Index("(company_id, touch_planned_on)")

    def _default_company_id(self):
        return self.env.company

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("locked", "lock_until")
    def _compute_is_locked(self):
        today = fields.Date.context_today(self)
        for given in self:
            given.is_locked = given.locked and (
                not given.lock_until or given.lock_until >= today
            )

    def _search_is_locked(self, operator, value):
        if operator != "in":
            return NotImplemented
        locked = Domain("locked", "=", True) & (
            Domain("lock_until", "=", False)
            | Domain("lock_until", ">=", fields.Date.context_today(self))
        )
        return Domain.OR([locked if wanted else ~locked for wanted in value])

    @api.model
    def _get_locked_sql(self, locked, lock_until):
        """Return SQL of whether a tier is locked today.

        :param locked: SQL of that column of an assignment
        :param lock_until: SQL of that column
        """
        return SQL(
            "COALESCE(%s AND COALESCE(%s >= %s, TRUE), FALSE)",
            locked,
            lock_until,
            fields.Date.context_today(self),
        )

    def _compute_newsletter_reach(self):
        self.env["res.partner"]._flush_audiences()
        # Raw SQL, here and below: one look at all contacts and the blacklist, which
        # not everybody may read.
        reach = dict(
            self.env.execute_query(
                SQL(
                    "SELECT given.id, %s FROM client_tier_assignment given"
                    " WHERE given.id = ANY(%s)",
                    self._get_newsletter_reach_sql(),
                    list(self._origin.ids),
                )
            )
        )
        for given in self:
            given.newsletter_reach = reach.get(given._origin.id)

    def _search_newsletter_reach(self, operator, value):
        if operator != "in":
            return NotImplemented
        self.env["res.partner"]._flush_audiences()
        return Domain(
            "id",
            "in",
            SQL(
                "(SELECT given.id FROM client_tier_assignment given"
                " WHERE COALESCE(%s, '') = ANY(%s))",
                self._get_newsletter_reach_sql(),
                [one or "" for one in value],
            ),
        )

    @api.model
    def _get_newsletter_reach_sql(self):
        return self.env["res.partner"]._get_newsletter_reach_sql(
            SQL("given.partner_id"), SQL("given.company_id")
        )

    @api.model
    def _group_expand_tiers(self, tiers, domain):
        """Show each tier of the user's companies as a column."""
        shown = tiers.search([("company_id", "in", self.env.companies.ids)])
        return (tiers | shown).sorted()

    # ------------------------------------------------------------
    # CONSTRAINTS
    # ------------------------------------------------------------

    @api.constrains("locked", "lock_reason")
    def _check_lock_reason(self):
        if any(given.locked and not given.lock_reason for given in self):
            raise ValidationError(
                self.env._("Say why the tier is locked, for your colleagues.")
            )

    @api.constrains("partner_id")
    def _check_partner_is_client(self):
        for given in self:
            client = given.partner_id.commercial_partner_id
            if client != given.partner_id:
                raise ValidationError(
                    self.env._(
                        "%(contact)s is a contact of %(client)s: give the tier to "
                        "%(client)s.",
                        contact=given.partner_id.display_name,
                        client=client.display_name,
                    )
                )

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        today = fields.Date.context_today(self)
        prepared = []
        for vals in vals_list:
            client = (
                self.env["res.partner"]
                .browse(vals.get("partner_id") or [])
                .commercial_partner_id
            )
            vals = dict(vals, partner_id=client.id)
            if vals.get("tier_id"):
                vals.setdefault("since", today)
            prepared.append(vals)
        created = super().create(prepared)
        created._log_changes({})
        created._set_pricelists()
        self.env["client.touchpoint"]._trigger_plan()
        return created

    def write(self, vals):
        if not {"tier_id", "partner_id"} & vals.keys():
            return super().write(vals)
        old = {given.id: given._prepare_old_values() for given in self}
        changed = self.filtered(
            lambda given: (
                "tier_id" in vals and given.tier_id.id != (vals["tier_id"] or False)
            )
        )
        result = super().write(vals)
        if changed and "since" not in vals:
            super(ClientTierAssignment, changed).write(
                {"since": fields.Date.context_today(self)}
            )
        changed._log_changes(old)
        changed._set_pricelists()
        if changed:
            super(ClientTierAssignment, changed).write({"touch_planned_on": False})
            self.env["client.touchpoint"]._trigger_plan()
        return result

    def unlink(self):
        """Write into the history that the clients have no tier any more, and withdraw
        what they are no longer owed."""
        self.env["client.tier.change"].sudo().create(  # sudo: nobody writes it by hand
            [
                given._prepare_change(given._prepare_old_values(), new_tier=False)
                for given in self
                if given.tier_id
            ]
        )
        self._set_pricelists(targets=dict.fromkeys(self.ids))
        # sudo: touchpoints follow whoever takes the tier away
        touchpoints = self.env["client.touchpoint"].sudo()
        for company, given in self.grouped("company_id").items():
            touchpoints |= touchpoints.search(
                [
                    ("company_id", "=", company.id),
                    ("partner_id", "in", given.partner_id.ids),
                    ("is_open", "=", True),
                ]
            )
        result = super().unlink()
        touchpoints._withdraw(self.env._("The client has no tier any more"))
        return result

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_history(self):
        """Open the history of these clients."""
        return self.partner_id._get_tier_history_action()

    def action_view_client(self):
        """Open the client."""
        self.ensure_one()
        return self.partner_id._get_records_action(context={})

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    @api.model
    def _assign(self, partners, company, tier, reason=None, kind="manual"):
        """Give these clients a tier of a company, and write it into their history.

        :param partners: contacts stand for their commercial entity
        :param tier: ``client.tier``, may be empty: the clients then have none
        :param reason: for the history
        :returns: the assignments of the clients that have one
        """
        clients = partners.commercial_partner_id
        records = self.with_context(tier_reason=reason, tier_kind=kind)
        given = records.search(
            [("partner_id", "in", clients.ids), ("company_id", "=", company.id)]
        )
        given.filtered(lambda one: one.tier_id != tier).write({"tier_id": tier.id})
        if tier:
            given += records.create(
                [
                    {
                        "partner_id": client.id,
                        "company_id": company.id,
                        "tier_id": tier.id,
                    }
                    for client in clients - given.partner_id
                ]
            )
        return given

    def _move_to_client(self, client):
        """Let another client have these tiers, where it has none; else drop them.

        The history moves along in any case.

        :param client: the commercial entity that these clients have become part of
        """
        former = self.partner_id
        # sudo: the history follows whoever changes the contact
        changes = self.env["client.tier.change"].sudo()
        changes.search([("partner_id", "in", former.ids)]).write(
            {"partner_id": client.id}
        )
        taken = self.search([("partner_id", "=", client.id)]).company_id
        for company, given in self.grouped("company_id").items():
            if company in taken:
                dropped = given
            else:
                kept = given.sorted(lambda one: (not one.locked, one.id))[0]
                kept.write({"partner_id": client.id})
                dropped = given - kept
            dropped.with_context(tier_kind="move").unlink()

    def _set_pricelists(self, targets=None):
        """Give these clients and their contacts the pricelist of their tier.

        A pricelist that was chosen by hand stays: only an empty one, or the one that
        came with a tier, is replaced.

        :param targets: {assignment id: pricelist id or None}, instead of the tier's
        :returns: {assignment id: (former pricelist id, new one)} where it changed
        """
        if not self.ids:
            return {}
        self.env.flush_all()
        # Raw SQL: a review does this for all clients at once. It reads and writes one
        # field of partners whom the user may not write, see the callers for rights.
        changed = self.env.execute_query(
            SQL(
                """
                WITH wanted AS (
                    SELECT given.id, given.partner_id,
                           given.company_id::text AS company,
                           %(target)s AS target,
                           given.pricelist_id AS ours,
                           (client.specific_property_product_pricelist
                            ->> given.company_id::text)::int AS present
                      FROM client_tier_assignment given
                      JOIN res_partner client ON client.id = given.partner_id
                      LEFT JOIN client_tier tier ON tier.id = given.tier_id
                      LEFT JOIN unnest(%(named)s::int[], %(pricelists)s::int[])
                           AS named (id, pricelist) ON named.id = given.id
                     WHERE given.id = ANY(%(ids)s)
                ), allowed AS (
                    SELECT * FROM wanted
                     WHERE (present IS NULL OR present = ours)
                       AND (target IS DISTINCT FROM present
                            OR target IS DISTINCT FROM ours)
                ), noted AS (
                    UPDATE client_tier_assignment given SET pricelist_id = target
                      FROM allowed WHERE allowed.id = given.id
                ), written AS (
                    UPDATE res_partner partner
                       SET specific_property_product_pricelist = NULLIF(
                               COALESCE(specific_property_product_pricelist, '{}')
                               - company
                               || CASE WHEN target IS NULL THEN '{}'::jsonb
                                       ELSE jsonb_build_object(company, target) END,
                               '{}')
                      FROM allowed
                     WHERE partner.commercial_partner_id = allowed.partner_id
                       AND target IS DISTINCT FROM present
                       AND (partner.specific_property_product_pricelist
                            ->> company)::int IS NOT DISTINCT FROM present
                )
                SELECT id, present, target FROM allowed
                """,
                ids=list(self.ids),
                target=SQL(
                    "tier.pricelist_id" if targets is None else "named.pricelist"
                ),
                named=list(targets or {}),
                pricelists=[
                    pricelist or None for pricelist in (targets or {}).values()
                ],
            )
        )
        if changed:
            self.invalidate_model(["pricelist_id"])
            self.env["res.partner"].invalidate_model(
                ["specific_property_product_pricelist", "property_product_pricelist"]
            )
        return {given: (former, new) for given, former, new in changed}

    def _write_workbook(self, target):
        """Write the workbook of all clients by tier that the user may see.

        :param target: path of the file to write
        """
        write_workbook(
            target,
            [
                Sheet(
                    self.env._("Clients by tier"),
                    self._get_workbook_columns(),
                    self._iter_workbook_rows(),
                )
            ],
            self.env["res.lang"]._lang_get(self.env.lang or "en_US").date_format,
        )

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _get_workbook_columns(self):
        """Return the columns of the tier list; see :meth:`_prepare_workbook_row`."""
        _ = self.env._
        return [
            Column(_("Client"), "text", 36),
            Column(_("Tier"), "text", 14),
            Column(_("Since"), "date", 12),
            Column(_("Account Manager"), "text", 24),
            Column(_("Hours a Year"), "hours", 12),
            Column(_("Locked Because"), "text", 36),
            Column(_("Locked Until"), "date", 12),
            Column(_("Pricelist"), "text", 20),
            Column(_("Company"), "text", 24),
        ]

    def _prepare_workbook_row(self):
        """Return the values of this client in the tier list."""
        return [
            self.partner_id.display_name,
            self.tier_id.name,
            self.since,
            self.account_manager_id.name,
            self.tier_id.hours_per_client,
            self.is_locked and self.lock_reason,
            self.is_locked and self.lock_until,
            self.pricelist_id.name,
            self.company_id.name,
        ]

    def _iter_workbook_rows(self):
        """Give the rows of the tier list, in the order of tiers and clients' names."""
        ids = self.search(
            [
                ("tier_id", "!=", False),
                ("partner_id.active", "=", True),
                ("company_id", "in", self.env.companies.ids),
            ]
        ).ids
        for some in split_every(BATCH, ids):
            # sudo: names of pricelists and of colleagues; the list holds the rows that
            # the user may read
            for given in self.browse(some).sudo():
                yield given._prepare_workbook_row()
            self.env.invalidate_all()

    def _log_changes(self, old_values):
        """Write into the history what these clients' tiers have become.

        :param old_values: {id: what :meth:`_prepare_old_values` gave}; nothing for
            those that are new
        """
        self.env["client.tier.change"].sudo().create(  # sudo: nobody writes it by hand
            [
                given._prepare_change(old_values.get(given.id, {}), given.tier_id)
                for given in self
                if given.tier_id.id
                != old_values.get(given.id, {}).get("tier_id", False)
            ]
        )

    def _prepare_old_values(self):
        """Return what the history keeps of the state before a change."""
        return {
            "tier_id": self.tier_id.id,
            "since": self.since,
        }

    def _prepare_change(self, old, new_tier):
        """Return the values of a line of the history."""
        return {
            "partner_id": self.partner_id.commercial_partner_id.id,
            "company_id": self.company_id.id,
            "user_id": self.env.uid,
            "old_tier_id": old.get("tier_id"),
            "new_tier_id": new_tier and new_tier.id,
            "kind": self.env.context.get("tier_kind", "manual"),
            "reason": self.env.context.get("tier_reason"),
            "old_since": old.get("since"),
        }
