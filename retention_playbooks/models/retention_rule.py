from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, LazyTranslate

from .retention_signal import CHANNELS, SEVERITIES

_lt = LazyTranslate(__name__)

#: Name of groups without a value.
ALL_OTHER_CLIENTS = _lt("All Other Clients")


class RetentionRule(models.Model):
    """When a kind of signal is raised, in one company: for all clients, or for those
    of one tier, which then goes before.

    The kind ``x`` is served by ``_find_x``. To add a kind, extend the selection of
    ``retention.signal``, and add its method, its ``_explain_x``, and its limits in
    :meth:`_prepare_default_rules`.
    """

    _name = "retention.rule"
    _description = "Retention Rule"
    _order = "company_id, kind, sequence, id"
    _check_company_auto = True

    kind = fields.Selection(selection="_selection_kind", required=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self._default_company_id(),
        ondelete="cascade",
    )
    tier_id = fields.Many2one(
        comodel_name="client.tier",
        check_company=True,
        index="btree_not_null",
        ondelete="cascade",
        falsy_value_label=ALL_OTHER_CLIENTS,
        help="The rule is for clients of this tier. Empty: for all that have no rule "
        "of their tier.",
    )
    active = fields.Boolean(
        default=True,
        help="A rule that is switched off switches its kind off for its clients.",
    )
    sequence = fields.Integer(compute="_compute_sequence", store=True)
    severity = fields.Selection(selection=SEVERITIES, required=True, default="2")
    severe_from = fields.Float(
        string="High From",
        digits=(16, 1),
        help="From so many on the severity is high. In the unit of the limit: days, "
        "tickets, percent, or multiples of the client's bound. 0: never.",
    )
    channel = fields.Selection(
        selection=CHANNELS,
        string="Recommended Channel",
        default="call",
        help="How to reach the client about it.",
    )
    quiet_days = fields.Integer(
        string="Quiet for Days",
        default=60,
        help="What was handled is not raised again for so many days, unless it has "
        "grown worse or is about something else. 0: never again.",
    )

    days = fields.Integer(
        help="After how many days; for rhythms, days of grace beyond the usual one."
    )
    count_limit = fields.Integer(
        string="More Than",
        help="More open tickets than these. 0: no matter how many.",
    )
    overdue_limit = fields.Integer(
        string="Or Overdue More Than",
        help="More overdue tickets than these. 0: no matter how many.",
    )
    minimum_amount = fields.Monetary(
        string="From Amount", aggregator=None, help="Less is let pass."
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    percent = fields.Float(
        string="From %", digits=(16, 1), aggregator=None, help="Less is let pass."
    )
    rating_limit = fields.Float(
        string="Rating up to",
        digits=(16, 1),
        help="A rating of so many of 5 or fewer is a complaint. 0: ratings do not "
        "count.",
    )
    bounce_limit = fields.Integer(
        string="Mails Come Back",
        help="A contact is gone when so many mails in a row came back. 0: no matter.",
    )
    minimum_purchases = fields.Integer(
        string="From Purchases",
        default=4,
        help="With fewer purchases no rhythm is told.",
    )
    factor = fields.Float(
        string="Spreads",
        digits=(16, 1),
        default=2.5,
        help="How many times the usual spread of his intervals a client is waited for "
        "beyond the usual interval. Less notices earlier, and cries wolf more often.",
    )
    source = fields.Selection(
        selection=[
            ("order", "Confirmed orders"),
            ("invoice", "Posted invoices"),
            ("both", "Orders, and invoices without an order"),
        ],
        string="Purchases Are",
        required=True,
        default="both",
    )

    # COALESCE: the rules for all clients are one group, too.
    _kind_uniq = models.UniqueIndex(
        "(kind, company_id, COALESCE(tier_id, 0))",
        "There is a rule of this kind for these clients already (it may be switched "
        "off): change that one.",
    )
    _limits_positive = models.Constraint(
        "CHECK(days >= 0 AND count_limit >= 0 AND overdue_limit >= 0 AND"
        " minimum_amount >= 0 AND percent BETWEEN 0 AND 100 AND rating_limit"
        " BETWEEN 0 AND 5 AND bounce_limit >= 0 AND severe_from >= 0 AND"
        " quiet_days >= 0 AND factor >= 0)",
        "Limits of a rule are not negative; a percentage ends at 100, a rating at 5.",
    )
    _purchases_enough = models.Constraint(
        "CHECK(minimum_purchases >= 3)", "A rhythm takes three purchases at least."
    )

    @api.model
    def _selection_kind(self):
        return (
            self.env["retention.signal"]
            ._fields["kind"]
            ._description_selection(self.env)
        )

    def _default_company_id(self):
        return self.env.company

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("tier_id.sequence")
    def _compute_sequence(self):
        """Rules of tiers come after the one for all, the best tier first."""
        for rule in self:
            rule.sequence = 1 + rule.tier_id.sequence if rule.tier_id else 0

    @api.depends("kind", "tier_id.name")
    @api.depends_context("lang")
    def _compute_display_name(self):
        labels = dict(self._selection_kind())
        for rule in self:
            label = labels.get(rule.kind, "")
            if rule.tier_id:
                label = self.env._(
                    "%(kind)s, tier %(tier)s", kind=label, tier=rule.tier_id.name
                )
            rule.display_name = label

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    def write(self, vals):
        result = super().write(vals)
        if vals.get("active") is False:
            self._withdraw_signals()
        return result

    def _withdraw_signals(self):
        """Let the signals expire that rules have found which are switched off now."""
        for rule in self:
            domain = [("company_id", "=", rule.company_id.id), ("kind", "=", rule.kind)]
            tiers = rule.tier_id
            operator = "any"
            if not tiers:
                operator = "not any"
                tiers = (
                    self._get_all_rules(rule.company_id)
                    .filtered(lambda one, kind=rule.kind: one.kind == kind)
                    .tier_id
                )
            given = [("company_id", "=", rule.company_id.id)]
            given.append(("tier_id", "in", tiers.ids))
            domain.append(("partner_id.tier_assignment_ids", operator, given))
            self.env["retention.signal"]._expire(domain)

    # ------------------------------------------------------------
    # DEFAULTS
    # ------------------------------------------------------------

    @api.model
    def _prepare_default_rules(self):
        """Return {kind: values} of the rules that each company begins with. Values
        below ``best`` are those of a further rule for its best tier."""
        return {
            "open_tickets": {
                "count_limit": 5,
                "overdue_limit": 2,
                "days": 30,
                "severe_from": 10,
                "quiet_days": 14,
            },
            "complaint": {
                "days": 90,
                "rating_limit": 2,
                "severity": "3",
                "quiet_days": 0,
            },
            "no_usage": {
                "days": 45,
                "severe_from": 90,
                "quiet_days": 30,
                "best": {"days": 30, "severe_from": 60, "quiet_days": 30},
            },
            "broken_pattern": {"days": 30, "severe_from": 2},
            "lapsed": {
                "days": 365,
                "severe_from": 540,
                "quiet_days": 90,
                "best": {
                    "days": 270,
                    "severe_from": 365,
                    "quiet_days": 90,
                    "channel": "meeting",
                },
            },
            "lost": {"days": 730, "quiet_days": 365, "severity": "3"},
            "new_contact": {
                "days": 60,
                "bounce_limit": 3,
                "quiet_days": 0,
                "best": {
                    "days": 60,
                    "bounce_limit": 3,
                    "quiet_days": 0,
                    "severity": "3",
                    "channel": "meeting",
                },
            },
            "overdue_touch": {
                "days": 0,
                "severe_from": 60,
                "severity": "1",
                "quiet_days": 30,
                "best": {
                    "days": 0,
                    "severe_from": 30,
                    "severity": "2",
                    "quiet_days": 30,
                },
            },
            "late_payer": {"days": 14, "severe_from": 60, "quiet_days": 30},
            "shrinking": {"percent": 30, "severe_from": 60, "quiet_days": 90},
        }

    @api.model
    def _create_defaults(self, companies=None):
        """Give companies the rules that they lack of those we begin with.

        An addon that adds a kind calls it from a data file, for the companies there
        are.

        :param companies: ``res.company``, all by default
        """
        # sudo: who may create a company need not be a Sales administrator
        self = self.sudo()
        if companies is None:
            companies = self.env["res.company"].search(Domain.TRUE)
        existing = {
            (rule.company_id, rule.kind)
            for company in companies
            for rule in self._get_all_rules(company)
        }
        vals_list = []
        # sudo: who may create a company need not see its tiers
        tiers = self.env["client.tier"].sudo()
        for company in companies:
            best = tiers.search([("company_id", "=", company.id)], limit=1)
            for kind, values in self._prepare_default_rules().items():
                if (company, kind) in existing:
                    continue
                values = dict(values, kind=kind, company_id=company.id)
                better = values.pop("best", None)
                vals_list.append(values)
                if better and best:
                    vals_list.append(
                        {
                            **better,
                            "kind": kind,
                            "company_id": company.id,
                            "tier_id": best.id,
                        }
                    )
        return self.create(vals_list)

    # ------------------------------------------------------------
    # WHICH RULE SERVES WHOM
    # ------------------------------------------------------------

    @api.model
    def _get_all_rules(self, company):
        """Return all rules of a company, those that are switched off included."""
        # sudo: they count whoever asks
        rules = self.sudo().with_context(active_test=False)
        return rules.search([("company_id", "=", company.id)])

    @api.model
    def _get_rules_in_force(self, company):
        """Return {(kind, tier id or None): rule} of a company, those that are switched
        off included: they switch their kind off for their clients."""
        return {
            (rule.kind, rule.tier_id.id or None): rule
            for rule in self._get_all_rules(company)
        }

    @api.model
    def _get_rule_for(self, company, kind, tier):
        """Return the rule of a kind that serves clients of a tier, if any."""
        in_force = self._get_rules_in_force(company)
        rule = in_force.get((kind, tier.id or None)) or in_force.get((kind, None))
        return rule.filtered("active") if rule else self.browse()

    @api.model
    def _get_today(self, company):
        """Return which day it is where a company works."""
        # sudo: only the time zone is read, for whoever looks at one client
        calendar = company.sudo().resource_calendar_id
        return fields.Date.context_today(
            self.with_context(tz=calendar.tz or self.env.user.tz)
        )

    # ------------------------------------------------------------
    # FINDING
    # ------------------------------------------------------------

    def _find(self, client_ids):
        """Return {client id: finding} of what one rule finds; nothing when it is
        switched off.

        :param client_ids: ids of active clients that the rule serves
        """
        self.ensure_one()
        if not self.active or not client_ids:
            return {}
        finder = getattr(self, f"_find_{self.kind}", None)
        if not finder:
            return {}
        return {finding["partner_id"]: finding for finding in finder(list(client_ids))}

    def _prepare_finding(
        self,
        client_id,
        measure,
        key,
        facts,
        res_model=None,
        evidence_ids=(),
        severity=None,
        reason_id=None,
    ):
        """Return what is written into a signal.

        :param measure: how grave it is, in the unit of ``severe_from``
        :param key: what it is about; see ``reason_key`` of the signal
        :param facts: plain data for the sentence: dates as ISO text, and nothing that
            changes only because time goes by
        :param evidence_ids: ids of the records of ``res_model`` behind it, the one that
            shows it best first
        :param severity: instead of the one that the rule says
        """
        self.ensure_one()
        evidence_ids = list(evidence_ids)
        severe = self.severe_from and measure >= self.severe_from
        return {
            "partner_id": client_id,
            "severity": severity or ("3" if severe else self.severity),
            "facts": facts,
            "res_model": res_model,
            "res_id": evidence_ids[0] if evidence_ids else None,
            "evidence_ids": evidence_ids,
            "reason_key": key,
            "reason_id": reason_id,
            "channel": self.channel or None,
            "quiet_days": self.quiet_days,
        }

    def _get_company_sql(self, *columns):
        """Return SQL that tells whether a record belongs to the rule's company.

        :param columns: SQL of companies, the first that is set counts; a record without
            any belongs to the first company
        """
        # sudo: all companies, whoever asks
        first = self.env["res.company"].sudo().search(Domain.TRUE, order="id", limit=1)
        return SQL(
            "COALESCE(%s, %s) = %s",
            SQL(", ").join(columns),
            first.id,
            self.company_id.id,
        )

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_signals(self):
        """Open the signals of this kind."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "retention_playbooks.retention_signal_action"
        )
        action["domain"] = [("kind", "=", self.kind)]
        return action
