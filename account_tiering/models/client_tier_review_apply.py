from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

#: Clients that a message names; the rest is counted.
NAMED = 5


class _Undo(Exception):
    """Ends a rehearsal."""


class ClientTierReview(models.Model):
    """Applying and undoing: tiers, history and pricelists of all clients at once."""

    _inherit = "client.tier.review"

    def action_preview_touchpoints(self):
        """Show what the plan would do after this review: the review is applied, the
        plan computed, and all of it taken back."""
        self.ensure_one()
        touchpoints = self.env["client.touchpoint"].with_company(self.company_id)
        touchpoints = touchpoints.with_context(allowed_company_ids=self.company_id.ids)
        before = touchpoints.plan_preview(self.company_id.touch_horizon_months)
        after = before
        try:
            with self.env.cr.savepoint():
                if self.state == "draft":
                    self.with_context(touchpoint_rehearsal=True)._apply()
                after = touchpoints.plan_preview(self.company_id.touch_horizon_months)
                raise _Undo
        except _Undo:
            self.env.invalidate_all()
        return self.env["client.touchpoint.preview"].action_open(after, review=self)

    def _apply(self):
        """Write assignments and history of the accepted lines."""
        self.ensure_one()
        self.env.flush_all()
        self._check_can_apply()
        now, today = fields.Datetime.now(), fields.Date.context_today(self)
        # Raw SQL: in one statement for all clients. The history is written from the
        # tier that the client has at this moment, and read again for the assignments.
        changed = self.env.execute_query(
            SQL(
                """
                WITH change AS (
                    INSERT INTO client_tier_change (
                        partner_id, company_id, date, user_id, old_tier_id, new_tier_id,
                        kind, reason, review_id, old_since)
                    SELECT line.partner_id, %(company)s, %(now)s, %(user)s,
                           given.tier_id, line.tier_id, 'review', line.reason,
                           line.review_id, given.since
                      FROM client_tier_review_line line
                      LEFT JOIN client_tier_assignment given
                        ON given.partner_id = line.partner_id
                       AND given.company_id = %(company)s
                     WHERE line.review_id = %(review)s
                       AND line.decision = 'accept'
                       AND line.tier_id IS DISTINCT FROM line.old_tier_id
                       AND line.tier_id IS NOT NULL
                       AND given.tier_id IS NOT DISTINCT FROM line.old_tier_id
                       AND NOT %(is_locked)s
                    RETURNING partner_id, new_tier_id
                )
                INSERT INTO client_tier_assignment AS given (
                    partner_id, company_id, tier_id, since)
                SELECT partner_id, %(company)s, new_tier_id, %(today)s FROM change
                ON CONFLICT (partner_id, company_id) DO UPDATE
                   SET tier_id = EXCLUDED.tier_id, since = EXCLUDED.since,
                       touch_planned_on = NULL
                RETURNING partner_id
                """,
                review=self.id,
                company=self.company_id.id,
                user=self.env.uid,
                now=now,
                today=today,
                is_locked=self._get_locked_sql(),
            )
        )
        clients = [client for (client,) in changed]
        self.write(
            {"state": "applied", "applied_on": now, "applied_by_id": self.env.uid}
        )
        self._forget_cached_tiers()
        self._apply_pricelists()
        self._post_applied(len(clients), self._get_left_out())
        self._after_change(clients)

    def _check_can_apply(self):
        """Raise UserError where a decision is missing."""
        if not self.proposed_on:
            raise UserError(self.env._("Propose tiers first, then apply them."))
        # Raw SQL: two columns are compared, which a domain cannot.
        unexplained = self.env.execute_query(
            SQL(
                """
                SELECT partner_id FROM client_tier_review_line
                 WHERE review_id = %s AND decision = 'accept'
                   AND tier_id IS DISTINCT FROM proposed_tier_id
                   AND COALESCE(reason, '') = ''
                 LIMIT %s
                """,
                self.id,
                NAMED,
            )
        )
        if unexplained:
            partners = self.env["res.partner"].browse(one for (one,) in unexplained)
            raise UserError(
                self.env._(
                    "Say why these clients get another tier than proposed: %s",
                    ", ".join(partners.mapped("display_name")),
                )
            )

    def _get_left_out(self):
        """Return the clients of accepted moves that were not made, because somebody
        changed or locked the tier after the proposal."""
        # Raw SQL: lines beside the tiers that their clients have now.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT line.partner_id
                  FROM client_tier_review_line line
                  LEFT JOIN client_tier_assignment given
                    ON given.partner_id = line.partner_id AND given.company_id = %s
                 WHERE line.review_id = %s AND line.decision = 'accept'
                   AND line.tier_id IS NOT NULL
                   AND line.tier_id IS DISTINCT FROM line.old_tier_id
                   AND line.tier_id IS DISTINCT FROM given.tier_id
                 ORDER BY line.revenue DESC
                """,
                self.company_id.id,
                self.id,
            )
        )
        return self.env["res.partner"].browse(client for (client,) in rows)

    def _apply_pricelists(self):
        """Give the clients of accepted lines the pricelists of their tiers, and note
        what was there."""
        tiers = self.env["client.tier"].with_context(active_test=False)
        assignments = self.env["client.tier.assignment"]
        company = Domain("company_id", "=", self.company_id.id)
        if not (
            tiers.search_count(company & Domain("pricelist_id", "!=", False), limit=1)
            or assignments.search_count(
                company & Domain("pricelist_id", "!=", False), limit=1
            )
        ):
            return
        # Raw SQL, here and below: as many lines as there are clients.
        given = self.env.execute_query(
            SQL(
                """
                SELECT given.id, line.id
                  FROM client_tier_review_line line
                  JOIN client_tier_assignment given
                    ON given.partner_id = line.partner_id
                   AND given.company_id = %s
                   AND given.tier_id = line.tier_id
                 WHERE line.review_id = %s AND line.decision = 'accept'
                """,
                self.company_id.id,
                self.id,
            )
        )
        lines = dict(given)
        changed = assignments.browse(lines)._set_pricelists()
        if changed:
            self.env.execute_query(
                SQL(
                    """
                    UPDATE client_tier_review_line line
                       SET pricelist_set = TRUE, old_pricelist_id = changed.former
                      FROM unnest(%s::int[], %s::int[]) AS changed (id, former)
                     WHERE line.id = changed.id
                    RETURNING line.id
                    """,
                    _array(lines[one] for one in changed),
                    _array(former for former, _new in changed.values()),
                )
            )
            self.env["client.tier.review.line"].invalidate_model()

    def _undo(self):
        """Restore what this review changed, for clients that nobody changed since."""
        self.ensure_one()
        last = self._get_last_applied()
        if self != last:
            raise UserError(
                self.env._(
                    "Only the last applied review can be undone, which is %s.",
                    last.name,
                )
            )
        self.env.flush_all()
        now = fields.Datetime.now()
        restored = self.env.execute_query(
            # Raw SQL: in one statement for all clients, as it was applied.
            SQL(
                """
                WITH undone AS (
                    SELECT change.*, given.id AS given_id
                      FROM client_tier_change change
                      JOIN client_tier_assignment given
                        ON given.partner_id = change.partner_id
                       AND given.company_id = change.company_id
                       AND given.tier_id = change.new_tier_id
                     WHERE change.review_id = %(review)s AND change.kind = 'review'
                       AND NOT EXISTS (
                           -- reviews that are undone have left nothing behind
                           SELECT FROM client_tier_change later
                             LEFT JOIN client_tier_review review
                               ON review.id = later.review_id
                            WHERE COALESCE(review.state, '') != 'undone'
                              AND later.partner_id = change.partner_id
                              AND later.company_id = change.company_id
                              AND later.id > change.id)
                ), history AS (
                    INSERT INTO client_tier_change (
                        partner_id, company_id, date, user_id, old_tier_id, new_tier_id,
                        kind, review_id)
                    SELECT partner_id, company_id, %(now)s, %(user)s, new_tier_id,
                           old_tier_id, 'undo', review_id
                      FROM undone
                )
                UPDATE client_tier_assignment given
                   SET tier_id = undone.old_tier_id, since = undone.old_since,
                       touch_planned_on = NULL
                  FROM undone
                 WHERE given.id = undone.given_id
                RETURNING given.partner_id
                """,
                review=self.id,
                user=self.env.uid,
                now=now,
            )
        )
        clients = [client for (client,) in restored]
        self._forget_cached_tiers()
        self._undo_pricelists()
        kept = self.env["client.tier.change"].search_count(
            [("review_id", "=", self.id), ("kind", "=", "review")]
        ) - len(clients)
        self.state = "undone"
        self.invalidate_model(["can_undo"])
        self.message_post(
            body=self.env._(
                "Undone: %(restored)s clients have their former tier again; %(kept)s "
                "were changed since and stay as they are.",
                restored=len(clients),
                kept=kept,
            )
        )
        self._after_change(clients)

    def _undo_pricelists(self):
        """Give back the pricelists that this review replaced, unless somebody chose
        another one since."""
        lines = self.env["client.tier.review.line"].search(
            [("review_id", "=", self.id), ("pricelist_set", "=", True)]
        )
        former = {line.partner_id.id: line.old_pricelist_id.id for line in lines}
        given = self.env["client.tier.assignment"].search(
            [
                ("company_id", "=", self.company_id.id),
                ("partner_id", "in", list(former)),
            ]
        )
        given._set_pricelists({one.id: former[one.partner_id.id] for one in given})

    def _post_applied(self, count, left):
        """Tell in the chatter what was done, and to whom it was not."""
        if self.env.context.get("touchpoint_rehearsal"):
            return
        body = self.env._("Applied: %s clients have another tier.", count)
        if left:
            names = ", ".join(left[:NAMED].mapped("display_name"))
            if len(left) > NAMED:
                names += " …"
            body += " " + self.env._(
                "%(count)s were changed or locked after the proposal and stay as they "
                "are: %(names)s",
                count=len(left),
                names=names,
            )
        self.message_post(body=body)

    def _after_change(self, client_ids):
        """Let what the clients are owed follow their tiers, which have changed by
        applying or undoing.

        :param client_ids: ids of ``res.partner``
        """
        if client_ids:
            self.env["client.touchpoint"]._trigger_plan()

    def _forget_cached_tiers(self):
        """Read again what was written by SQL."""
        self.invalidate_model(["can_undo"])
        self.env["client.tier.assignment"].invalidate_model()
        self.env["client.tier.change"].invalidate_model()
        self.env["client.tier"].invalidate_model()
        for model in self._get_tier_models():
            self.env[model].invalidate_model(
                [name for name in self.env[model]._fields if name.startswith("tier_")]
            )

    @api.model
    def _get_tier_models(self):
        """Return the names of the models that show their client's tier."""
        return [
            name
            for name, model in self.env.registry.items()
            if issubclass(model, self.env.registry["client.tier.mixin"])
            and not model._abstract
        ]


def _array(values):
    """Return numbers, or words of our own, as the text of a PostgreSQL array: psycopg2
    takes ten times as long for a list."""
    words = ",".join("NULL" if value is None else str(value) for value in values)
    return f"{{{words}}}"
