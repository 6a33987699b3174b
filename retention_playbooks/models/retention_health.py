from odoo import api, fields, models
from odoo.tools import format_date

from .retention_signal import KINDS

#: Levels, the best last.
LEVELS = [("red", "Red"), ("amber", "Amber"), ("green", "Green"), ("grey", "No Data")]
#: The part that tells the worst of all others; that which tells nothing alone.
TOTAL, PEOPLE = "total", "relationship"
PARTS = [
    ("orders", "Orders"),
    ("payment", "Payment"),
    ("contact", "Promised Contacts"),
    ("service", "Tickets and Complaints"),
    ("usage", "Usage"),
    ("relationship", "People"),
]
#: Kinds of signals that concern a part.
PART_KINDS = {
    "orders": ("broken_pattern", "lapsed", "lost", "shrinking"),
    "payment": ("late_payer",),
    "contact": ("overdue_touch",),
    "service": ("open_tickets", "complaint"),
    "usage": ("no_usage",),
    "relationship": ("new_contact",),
}


class RetentionHealth(models.Model):
    """How one part of a client's health was from a day on, and why.

    There is one record per client, company, part and change; that without an end holds
    now. A part is red or amber for a reason that a rule finds (whether somebody has
    handled it or not: a late bill stays late; only a complaint and a change of people
    are over with that), green where records would show one, grey where nothing is
    known. The part ``total`` is as bad as the worst one.

    To add a part, extend the selection and :data:`PART_KINDS`, and write ``_know_x`` of
    :mod:`retention_health_refresh` and ``_explain_x`` here.
    """

    _name = "retention.health"
    _description = "Health of a Client"
    _order = "date_from desc, id desc"
    _rec_name = "part"

    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Client",
        required=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, ondelete="cascade"
    )
    part = fields.Selection(selection=[*PARTS, (TOTAL, "Total")], required=True)
    level = fields.Selection(selection=LEVELS, string="Health", required=True)
    kind = fields.Selection(
        selection=KINDS, help="The signal that makes it red or amber."
    )
    facts = fields.Json(help="What the sentence tells: figures, dates and names.")
    reason_id = fields.Many2one(
        comodel_name="retention.lost.reason",
        index="btree_not_null",
        ondelete="set null",
    )
    explanation = fields.Char(compute="_compute_explanation", string="Why")
    date_from = fields.Date(string="Since", required=True)
    date_to = fields.Date(string="Until", help="Empty: it holds now.")

    _current_uniq = models.UniqueIndex(
        "(partner_id, company_id, part) WHERE date_to IS NULL",
        "The health of this part is known already.",
    )
    _total_idx = models.Index(
        "(company_id, level) WHERE date_to IS NULL AND part = 'total'"
    )
    _client_idx = models.Index("(partner_id, company_id, date_from)")

    @api.depends("level", "kind", "facts")
    @api.depends_context("lang", "tz")
    def _compute_explanation(self):
        for health in self:
            health.explanation = health._get_explanation()

    @api.depends("partner_id", "part")
    @api.depends_context("lang")
    def _compute_display_name(self):
        labels = dict(self._fields["part"]._description_selection(self.env))
        for health in self:
            health.display_name = (
                f"{health.partner_id.display_name or ''}: {labels.get(health.part, '')}"
            )

    # ------------------------------------------------------------
    # SENTENCES, one method per part
    # ------------------------------------------------------------

    def _get_explanation(self):
        """Return the sentence for one part, in the reader's language."""
        self.ensure_one()
        facts = self.facts or {}
        if self.kind:
            signal = self.env["retention.signal"].new(
                {
                    "kind": self.kind,
                    "facts": facts,
                    "company_id": self.company_id.id,
                    "reason_id": self.reason_id.id,
                    "date_closed": self.date_to,
                }
            )
            return signal._get_explanation()
        explain = getattr(self, f"_explain_{self.part}", None)
        return explain(facts) if explain else ""

    def _explain_orders(self, facts):
        """:param facts: purchases, last (date)"""
        if self.level == "grey":
            return self.env._("No order and no invoice yet")
        last = self._say_date(facts["last"])
        if facts["purchases"] == 1:
            return self.env._("Bought once, on %s", last)
        return self.env._(
            "Bought %(count)s times, last on %(day)s",
            count=facts["purchases"],
            day=last,
        )

    def _explain_payment(self, facts):
        """:param facts: count (of invoices within two years)"""
        if self.level == "grey":
            return self.env._("No invoice within two years")
        return self.env._(
            "Pays: no invoice of the last two years (%s) is long overdue",
            facts["count"],
        )

    def _explain_contact(self, facts):
        """:param facts: last, next (dates of touchpoints) or none"""
        if self.level == "grey":
            return self.env._("No contact is promised")
        last, coming = facts.get("last"), facts.get("next")
        if last and coming:
            return self.env._(
                "As promised: last contact on %(last)s, next on %(next)s",
                last=self._say_date(last),
                next=self._say_date(coming),
            )
        if last:
            return self.env._("As promised: last contact on %s", self._say_date(last))
        return self.env._("Next contact on %s", self._say_date(coming))

    def _explain_service(self, facts):
        """:param facts: tickets (open ones), settled (day on which the last complaint
        was handled) or none"""
        if self.level == "grey":
            return self.env._("No tickets, no ratings, no complaint")
        if facts.get("settled"):
            return self.env._(
                "The complaint was settled on %s", self._say_date(facts["settled"])
            )
        if facts["tickets"]:
            return self.env._("No complaint; open tickets: %s", facts["tickets"])
        return self.env._("No complaint and no open ticket")

    def _explain_usage(self, facts):
        """:param facts: count (of running projects), last (date)"""
        if self.level == "grey":
            return self.env._("No running project")
        return self.env._(
            "Running projects: %(count)s, last activity on %(day)s",
            count=facts["count"],
            day=self._say_date(facts["last"]),
        )

    def _explain_relationship(self, facts):
        """:param facts: contacts, deciders (counts); settled (day on which the last
        change was handled) or none"""
        if self.level == "grey":
            return self.env._("Nobody is marked as who decides")
        if facts.get("settled"):
            return self.env._(
                "The change of people was dealt with on %s",
                self._say_date(facts["settled"]),
            )
        return self.env._(
            "We know %(count)s of their people, and who decides: %(deciders)s",
            count=facts["contacts"],
            deciders=facts["deciders"],
        )

    def _explain_total(self, facts):
        """:param facts: red, amber (names of parts)"""
        labels = dict(self._fields["part"]._description_selection(self.env))
        red = ", ".join(labels[part] for part in facts.get("red", ()))
        amber = ", ".join(labels[part] for part in facts.get("amber", ()))
        if red and amber:
            return self.env._("Red: %(red)s; amber: %(amber)s", red=red, amber=amber)
        if red:
            return self.env._("Red: %s", red)
        if amber:
            return self.env._("Amber: %s", amber)
        if self.level == "green":
            return self.env._("All that is known is well")
        return self.env._("Nothing is known yet")

    def _say_date(self, day):
        return format_date(self.env, day)
