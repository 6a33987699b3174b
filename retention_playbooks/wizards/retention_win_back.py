from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..tools.score import Candidate, rank

#: Clients that the choice lists.
MOST_LINES = 200


class RetentionWinBack(models.TransientModel):
    """Which lost clients to win back first, why, and with what offer."""

    _name = "retention.win.back"
    _description = "Win-Back Choice"

    playbook_id = fields.Many2one(
        comodel_name="retention.playbook",
        required=True,
        domain="[('kind', '=', 'win_back'), ('state', '=', 'active')]",
        ondelete="cascade",
    )
    line_ids = fields.One2many(
        comodel_name="retention.win.back.line", inverse_name="choice_id", readonly=True
    )
    client_count = fields.Integer(string="Lost Clients", readonly=True)

    def _compute_display_name(self):
        self.display_name = self.env._("Win-Back Choice")

    @api.model
    def action_open(self):
        """Rank the lost clients that the user may see, and open the choice.

        :raises UserError: there is no playbook for winning back
        """
        playbook = self.env["retention.playbook"].search(
            [
                ("kind", "=", "win_back"),
                ("company_id", "in", (self.env.company.id, False)),
            ],
            order="state, sequence, id",
            limit=1,
        )
        if not playbook:
            raise UserError(self.env._("Make a playbook of the kind Win-Back first."))
        choice = self.create({"playbook_id": playbook.id})
        choice._fill()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Win-Back Choice"),
            "res_model": self._name,
            "res_id": choice.id,
            "views": [(False, "form")],
        }

    def _fill(self):
        signals = self._find_lost()
        found = self._read_candidates(signals.partner_id)
        scores = rank(found)
        signal_of = {signal.partner_id.id: signal for signal in signals}
        offers = self.playbook_id.step_ids.offer_ids
        self.client_count = len(scores)
        self.line_ids = [fields.Command.clear()] + [
            fields.Command.create(
                self._prepare_line(score, signal_of[score.key], offers)
            )
            for score in scores[:MOST_LINES]
        ]

    def _find_lost(self):
        """Return the open signals of the lost clients that the user may see and who are
        not being won back already."""
        # sudo: clients that a colleague is winning back, too
        busy = (
            self.env["retention.run"]
            .sudo()
            .search(
                [
                    ("kind", "=", "win_back"),
                    ("state", "in", ("queued", "running")),
                    ("company_id", "=", self.env.company.id),
                ]
            )
        )
        return self.env["retention.signal"].search(
            [
                ("kind", "=", "lost"),
                ("state", "=", "open"),
                ("company_id", "=", self.env.company.id),
                ("partner_id", "not in", busy.partner_id.ids),
            ]
        )

    def _prepare_line(self, score, signal, offers):
        reason = signal.reason_id
        return {
            "partner_id": score.key,
            "signal_id": signal.id,
            "reason_id": reason.id,
            "offer_id": offers._choose(reason, self.env.company).id,
            "place": score.place,
            "score": score.score,
            "explanation": self._explain(score),
        }

    def _explain(self, score):
        """Return the sentences of a score, the heaviest part first."""
        texts = {
            "referred": lambda value: self.env._("has referred %s clients", value),
            "no_complaint": lambda value: self.env._("never complained"),
            "complaints": lambda value: self.env._("complained %s times", value),
            "no_support": lambda value: self.env._("never needed support"),
            "support": lambda value: self.env._("needed support %s times", value),
            "revenue": lambda value: self.env._(
                "more revenue than %s %% of the lost clients", round(value)
            ),
            "recency": lambda value: self.env._("last order %s days ago", value),
        }
        parts = sorted(score.parts, key=lambda part: -part.points)
        return ", ".join(
            texts[part.sentence](part.value) for part in parts if part.sentence in texts
        )

    def _read_candidates(self, clients):
        """Return the :class:`tools.score.Candidate` of clients."""
        if not clients:
            return []
        self.env.flush_all()
        # Raw SQL: five figures of all lost clients in one query. Rights are not applied
        # on purpose: only the place of a client that the user may see leaves it.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT client.id,
                       (SELECT COUNT(*) FROM crm_lead lead
                         WHERE LOWER(TRIM(lead.referred)) = LOWER(TRIM(client.name))),
                       (SELECT COUNT(*) FROM retention_signal signal
                         WHERE signal.partner_id = client.id
                           AND signal.company_id = %(company)s
                           AND signal.kind = 'complaint'),
                       (SELECT COUNT(*) FROM retention_signal signal
                         WHERE signal.partner_id = client.id
                           AND signal.company_id = %(company)s
                           AND signal.kind = 'open_tickets'),
                       (SELECT SUM(move.amount_untaxed_signed) FROM account_move move
                         WHERE move.commercial_partner_id = client.id
                           AND move.company_id = %(company)s AND move.state = 'posted'
                           AND move.move_type IN ('out_invoice', 'out_refund')),
                       (SELECT %(today)s::date - MAX(sale.date_order)::date
                          FROM sale_order sale
                          JOIN res_partner person ON person.id = sale.partner_id
                         WHERE person.commercial_partner_id = client.id
                           AND sale.company_id = %(company)s AND sale.state = 'sale')
                  FROM res_partner client
                 WHERE client.id = ANY(%(clients)s)
                """,
                company=self.env.company.id,
                today=fields.Date.context_today(self),
                clients=clients.ids,
            )
        )
        return [
            Candidate(
                key,
                referrals=referrals,
                complaints=complaints,
                tickets=tickets,
                revenue=None if revenue is None else float(revenue),
                since_last=since_last,
            )
            for key, referrals, complaints, tickets, revenue, since_last in rows
        ]
