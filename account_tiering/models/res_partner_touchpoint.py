from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

#: Days ahead in which a planned contact counts as due.
SOON = 7


class ResPartner(models.Model):
    """Clients with what they were promised: when somebody was in touch last, and when
    the next contact is planned, in the current company. Contacts show that of their
    company."""

    _inherit = "res.partner"

    last_touch_date = fields.Date(
        string="Last Contact",
        compute="_compute_touches",
        search="_search_last_touch_date",
        compute_sudo=True,
        groups="sales_team.group_sale_salesman",
        help="Day of the last touchpoint that was held.",
    )
    next_touch_date = fields.Date(
        string="Next Contact",
        compute="_compute_touches",
        search="_search_next_touch_date",
        compute_sudo=True,
        groups="sales_team.group_sale_salesman",
        help="Day of the next touchpoint that is planned.",
    )
    touch_state = fields.Selection(
        selection=[
            ("on_track", "On Track"),
            ("due", "Due Soon"),
            ("overdue", "Overdue"),
        ],
        string="Touchpoints",
        compute="_compute_touches",
        search="_search_touch_state",
        compute_sudo=True,
        groups="sales_team.group_sale_salesman",
        help="Overdue: the time of a touchpoint is over. Due: one is planned for the "
        "next seven days.",
    )
    touchpoint_ids = fields.One2many(
        comodel_name="client.touchpoint",
        inverse_name="partner_id",
        groups="sales_team.group_sale_salesman",
    )
    touchpoint_count = fields.Integer(
        compute="_compute_touches",
        compute_sudo=True,
        groups="sales_team.group_sale_salesman",
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends_context("company")
    @api.depends(
        "commercial_partner_id.touchpoint_ids.state",
        "commercial_partner_id.touchpoint_ids.is_open",
        "commercial_partner_id.touchpoint_ids.date_planned",
        "commercial_partner_id.touchpoint_ids.date_done",
        "commercial_partner_id.touchpoint_ids.window_end",
    )
    def _compute_touches(self):
        # sudo: the badge is for all who may read the client
        groups = (
            self.env["client.touchpoint"]
            .sudo()
            ._read_group(
                [
                    ("partner_id", "in", self.commercial_partner_id._origin.ids),
                    ("company_id", "=", self.env.company.id),
                    ("state", "!=", "cancelled"),
                ],
                ["partner_id", "is_open"],
                ["date_done:max", "date_planned:min", "window_end:min", "__count"],
            )
        )
        opened, closed = {}, {}
        for client, is_open, *values in groups:
            (opened if is_open else closed)[client.id] = values
        today = fields.Date.context_today(self)
        for partner in self:
            client = partner.commercial_partner_id._origin.id
            last, _planned, _end, held = closed.get(client, (False, False, False, 0))
            _done, planned, end, count = opened.get(client, (False, False, False, 0))
            partner.last_touch_date = last
            partner.next_touch_date = planned
            partner.touchpoint_count = count
            if not count and not held:
                partner.touch_state = False
            elif end and end < today:
                partner.touch_state = "overdue"
            elif planned and planned <= today + timedelta(days=SOON):
                partner.touch_state = "due"
            else:
                partner.touch_state = "on_track"

    def _search_touch_state(self, operator, value):
        if operator != "in":
            return NotImplemented
        today = fields.Date.context_today(self)
        known = self._get_touch_domain(Domain("state", "!=", "cancelled"))
        late = self._get_touch_domain(
            Domain("is_open", "=", True) & Domain("window_end", "<", today)
        )
        soon = self._get_touch_domain(
            Domain("is_open", "=", True)
            & Domain("date_planned", "<=", today + timedelta(days=SOON))
        )
        domains = {
            "overdue": late,
            "due": soon & ~late,
            "on_track": known & ~late & ~soon,
            False: ~known,
        }
        return Domain.OR([domains[state] for state in value if state in domains])

    def _search_last_touch_date(self, operator, value):
        return self._search_touch_date(
            Domain("state", "=", "done"), "date_done:max", operator, value
        )

    def _search_next_touch_date(self, operator, value):
        return self._search_touch_date(
            Domain("is_open", "=", True), "date_planned:min", operator, value
        )

    def _search_touch_date(self, domain, aggregate, operator, value):
        """Return the domain of the clients whose last or next day meets a condition."""
        if operator == "in":
            days = {fields.Date.to_date(day) for day in value if day}
            found = Domain.FALSE
            if days:
                equal = ["|"] * (len(days) - 1)
                equal += [(aggregate, "=", day) for day in days]
                clients = self._get_clients_by_day(domain, equal)
                found = Domain("commercial_partner_id", "in", clients)
            if False in value:
                found |= ~self._get_touch_domain(domain)
            return found
        if operator in ("<", "<=", ">", ">="):
            clients = self._get_clients_by_day(domain, [(aggregate, operator, value)])
            return Domain("commercial_partner_id", "in", clients)
        return NotImplemented

    def _get_clients_by_day(self, domain, having):
        """Return the ids of clients whose touchpoints meet a condition together."""
        # sudo: as for reading the day
        groups = (
            self.env["client.touchpoint"]
            .sudo()
            ._read_group(
                domain & Domain("company_id", "=", self.env.company.id),
                ["partner_id"],
                having=having,
            )
        )
        return [client.id for (client,) in groups]

    def _get_touch_domain(self, domain):
        """Return the domain of clients, and their contacts, that have a touchpoint of
        the current company in a domain."""
        # sudo: as for reading the state
        query = (
            self.env["client.touchpoint"]
            .sudo()
            ._search(domain & Domain("company_id", "=", self.env.company.id))
        )
        return Domain("commercial_partner_id", "in", query.subselect("partner_id"))

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    def write(self, vals):
        result = super().write(vals)
        # sudo: touchpoints follow whoever may change the client
        touchpoints = self.env["client.touchpoint"].sudo()
        if "user_id" in vals:
            touchpoints._follow_managers(
                self, only_future=self.env.context.get("touchpoint_only_future")
            )
        if vals.get("active") is False:
            touchpoints._follow_archived(self)
        return result

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_touchpoints(self):
        """Open the touchpoints of the client."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "account_tiering.client_touchpoint_action"
        )
        action["domain"] = [("partner_id", "in", self.commercial_partner_id.ids)]
        action["context"] = {"search_default_open": 1}
        return action

    def action_hand_over(self):
        """Open the dialog that gives these clients another account manager."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Hand Over"),
            "res_model": "client.touchpoint.handover",
            "view_mode": "form",
            "target": "new",
            "context": {"default_partner_ids": self.commercial_partner_id.ids},
        }

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _get_account_manager(self, company):
        """Return the account manager of a client, as long as he works in a company."""
        # sudo: whoever asks need not see the client's company
        user = self.commercial_partner_id.sudo().user_id
        works_there = company in user.company_ids
        return user if user.active and not user.share and works_there else user.browse()

    @api.model
    def _get_account_manager_sql(self, client, company):
        """Return SQL of the id of a client's account manager, as long as he works in a
        company, else NULL: what :meth:`_get_account_manager` tells of one client.

        :param client: alias of ``res_partner``, a commercial entity
        """
        return SQL(
            """
            (SELECT manager.id FROM res_users manager
               JOIN res_company_users_rel works
                 ON works.user_id = manager.id AND works.cid = %s
              WHERE manager.id = %s AND manager.active AND NOT manager.share)
            """,
            company.id,
            SQL.identifier(client, "user_id"),
        )

    def _move_tiers_to_client(self):
        """Let touchpoints of clients that have become part of another one go there."""
        # sudo: touchpoints must follow whoever changes the contact
        touchpoints = self.env["client.touchpoint"].sudo()
        for client, partners in self.grouped("commercial_partner_id").items():
            touchpoints._merge_clients(partners - client, client)
        return super()._move_tiers_to_client()
