from collections import defaultdict
from datetime import datetime
from typing import NamedTuple

from odoo import models
from odoo.tools import SQL

from ..tools import deadlines

# {level: (model, tracked date, how its records belong to a project)}
DATES = {
    "project": ("project.project", "date", "id"),
    "milestone": ("project.milestone", "deadline", "project_id"),
    "task": ("project.task", "date_deadline", "project_id"),
}


class ProjectOrder(NamedTuple):
    """A confirmed order of a project."""

    id: int
    date: datetime
    company_id: int
    client_id: int


class ClientMoves(NamedTuple):
    """What one client's deadlines in a project went through."""

    project_id: int
    client_id: int
    contact_id: int | bool
    company_id: int
    orders: list[ProjectOrder]
    moves: list[deadlines.Move]


class ClientValueRule(models.Model):
    """Deadlines that were moved in the client's favour."""

    _inherit = "client.value.rule"

    def _harvest_deadline_shift(self, ids):
        """Ends of projects, milestones and tasks that were moved later while the price
        did not rise; the moves of one date are one favour."""
        moves = self._get_deadline_moves(ids)
        orders = self._get_orders_of_projects(list(moves))
        increases = self._get_price_increases(orders)
        companies = set(self._get_companies().ids)
        findings = []
        for group in self._group_moves_by_client(moves, orders):
            if group.company_id not in companies:
                continue
            client_moves, rises = group.moves, []
            if group.orders:
                first, *further = group.orders
                client_moves = [m for m in client_moves if m.when >= first.date]
                rises = [order.date for order in further]
                for order in group.orders:
                    rises += increases[order.id]
            if self.merge_moves:
                client_moves = deadlines.count_joint_moves_once(client_moves)
            by_date = defaultdict(list)
            for move in client_moves:
                by_date[move.level, move.record].append(move)
            for (level, record), record_moves in sorted(by_date.items()):
                shift = deadlines.sum_up(record_moves, rises)
                if not shift or shift.days < self.minimum_days:
                    continue
                findings.append(
                    self._prepare_finding(
                        DATES[level][0],
                        record,
                        group.company_id,
                        group.client_id,
                        shift.date,
                        unit_id=group.project_id,
                        contact_id=group.contact_id,
                        project_id=group.project_id,
                        task_id=record if level == "task" else False,
                        sale_order_id=group.orders[0].id if group.orders else False,
                        days=float(shift.days),
                    )
                )
        return findings

    def _get_deadline_moves(self, project_ids):
        """Return {project id: its moves, in the order of their time}."""
        moves = defaultdict(list)
        for level, (model, _field, _column) in DATES.items():
            self.env[model].flush_model()
            rows = self._read_date_changes(level, project_ids)
            changes = defaultdict(list)
            for *record, when, old, new in rows:
                changes[tuple(record)].append(deadlines.Change(when, old, new))
            for (project_id, record, created), of_date in changes.items():
                moves[project_id] += deadlines.find_moves(
                    level, record, created, of_date
                )
        return {
            project_id: sorted(found, key=lambda move: move.when)
            for project_id, found in moves.items()
            if found
        }

    def _read_date_changes(self, level, project_ids):
        """Return [(project id, record id, created, when, old, new)], tracked."""
        model, field, column = DATES[level]
        # Raw SQL: tracked values can be read one record at a time only
        return self.env.execute_query(
            SQL(
                """
                SELECT record.project_id, record.id, record.create_date, message.date,
                       value.old_value_datetime::date, value.new_value_datetime::date
                  FROM (SELECT id, %(column)s AS project_id, create_date
                          FROM %(table)s
                         WHERE %(column)s = ANY(%(projects)s)) AS record
                  JOIN mail_message message
                    ON message.model = %(model)s AND message.res_id = record.id
                  JOIN mail_tracking_value value ON value.mail_message_id = message.id
                 WHERE value.field_id = %(field)s
                 ORDER BY record.project_id, record.id, message.date, value.id
                """,
                column=SQL.identifier(column),
                table=SQL.identifier(self.env[model]._table),
                projects=list(project_ids),
                model=model,
                field=self.env["ir.model.fields"]._get(model, field).id,
            )
        )

    def _get_orders_of_projects(self, project_ids):
        """Return {project id: [ProjectOrder]} of the confirmed orders, the first one
        first."""
        orders = defaultdict(list)
        if not project_ids:
            return orders
        # Raw SQL: an order belongs to a project in five ways
        for project_id, *order in self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT link.project_id, sale.id, sale.date_order,
                       sale.company_id, partner.commercial_partner_id
                  FROM (
                        SELECT project_id, order_id
                          FROM sale_order_line
                         WHERE project_id = ANY(%(projects)s)
                         UNION
                        SELECT project_id, id
                          FROM sale_order
                         WHERE project_id = ANY(%(projects)s)
                         UNION
                        SELECT id, reinvoiced_sale_order_id
                          FROM project_project
                         WHERE id = ANY(%(projects)s)
                         UNION
                        SELECT project.id, line.order_id
                          FROM project_project project
                          JOIN sale_order_line line ON line.id = project.sale_line_id
                         WHERE project.id = ANY(%(projects)s)
                         UNION
                        SELECT task.project_id, line.order_id
                          FROM project_task task
                          JOIN sale_order_line line ON line.id = task.sale_line_id
                         WHERE task.project_id = ANY(%(projects)s)
                       ) link
                  JOIN sale_order sale ON sale.id = link.order_id
                  JOIN res_partner partner ON partner.id = sale.partner_id
                 WHERE sale.state = 'sale'
                 ORDER BY link.project_id, sale.date_order, sale.id
                """,
                projects=project_ids,
            )
        ):
            orders[project_id].append(ProjectOrder(*order))
        return orders

    def _get_price_increases(self, orders):
        """Return {order id: [when its price rose]} of confirmed orders, tracked."""
        increases = defaultdict(list)
        # Raw SQL: see _read_date_changes
        for order_id, when in self.env.execute_query(
            SQL(
                """
                SELECT message.res_id, message.date
                  FROM mail_message message
                  JOIN mail_tracking_value value ON value.mail_message_id = message.id
                  JOIN sale_order sale ON sale.id = message.res_id
                 WHERE message.model = 'sale.order'
                   AND message.res_id = ANY(%(orders)s)
                   AND message.date > sale.date_order
                   AND value.field_id = %(field)s
                   AND value.new_value_float > value.old_value_float
                """,
                orders=list({order.id for found in orders.values() for order in found}),
                field=self.env["ir.model.fields"]
                ._get("sale.order", "amount_untaxed")
                .id,
            )
        ):
            increases[order_id].append(when)
        return increases

    def _group_moves_by_client(self, moves, orders):
        """Return the moves as list of ``ClientMoves``: the tasks of other clients by
        themselves, with these clients' orders. Own companies and templates are left
        out.

        A project of no company belongs to that of its order, else that of its client
        or manager.
        """
        projects = self.env["project.project"].browse(moves)
        tasks = self.env["project.task"].browse(
            {
                move.record
                for found in moves.values()
                for move in found
                if move.level == "task"
            }
        )
        tasks.fetch(["partner_id"])
        task_partners = {task.id: task.partner_id for task in tasks}
        own = self._get_own_partners()
        main = self.env["res.company"].search([], order="id", limit=1)
        groups = []
        for project in projects.filtered(lambda project: not project.is_template):
            by_partner = defaultdict(list)
            for move in moves[project.id]:
                partner = move.level == "task" and task_partners[move.record]
                by_partner[partner or project.partner_id].append(move)
            project_client = project.partner_id.commercial_partner_id
            by_client = defaultdict(list)
            for partner in by_partner:
                by_client[partner.commercial_partner_id].append(partner)
            for client, partners in by_client.items():
                if not client or client in own:
                    continue
                partner = partners[0]
                ordered = orders[project.id]
                if client == project_client:
                    partner = project.partner_id
                else:
                    ordered = [
                        order for order in ordered if order.client_id == client.id
                    ]
                groups.append(
                    ClientMoves(
                        project.id,
                        client.id,
                        (partner - client).id,
                        project.company_id.id
                        or (ordered and ordered[0].company_id)
                        or client.company_id.id
                        or project.user_id.company_id.id
                        or main.id,
                        ordered,
                        sorted(
                            (move for each in partners for move in by_partner[each]),
                            key=lambda move: move.when,
                        ),
                    )
                )
        return groups
