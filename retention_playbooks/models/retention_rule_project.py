from collections import defaultdict

from odoo import models
from odoo.tools import SQL

# States of tasks that are done with.
CLOSED = ("1_done", "1_canceled")


class RetentionRule(models.Model):
    """Signals from projects: support that piles up, work that stands still."""

    _inherit = "retention.rule"

    # ------------------------------------------------------------
    # OPEN TICKETS
    # ------------------------------------------------------------

    def _find_open_tickets(self, client_ids):
        """Too many open or overdue tickets, or one that is open for too long."""
        today = self._get_today(self.company_id)
        findings = []
        # Raw SQL: tickets of several models are counted together.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT client_id, COUNT(*) AS count,
                       COUNT(*) FILTER (WHERE deadline < %(today)s) AS overdue,
                       MIN(opened) AS oldest,
                       (array_agg(model ORDER BY opened, id))[1] AS model,
                       array_agg(id ORDER BY opened, id) AS ids,
                       array_agg(model ORDER BY opened, id) AS models
                  FROM (%(tickets)s) AS ticket
                 WHERE client_id = ANY(%(clients)s)
                 GROUP BY client_id
                """,
                today=today,
                tickets=SQL(" UNION ALL ").join(self._get_ticket_sources()),
                clients=client_ids,
            )
        )
        for client_id, count, overdue, oldest, model, ids, models_ in rows:
            too_many = self.count_limit and count > self.count_limit
            too_late = self.overdue_limit and overdue > self.overdue_limit
            too_old = self.days and (today - oldest).days >= self.days
            if not (too_many or too_late or too_old):
                continue
            findings.append(
                self._prepare_finding(
                    client_id,
                    count,
                    "open_tickets",
                    {
                        "count": count,
                        "overdue": overdue,
                        "oldest": oldest.isoformat(),
                    },
                    model,
                    [
                        ticket
                        for ticket, its_model in zip(ids, models_, strict=True)
                        if its_model == model
                    ],
                )
            )
        return findings

    def _get_ticket_sources(self):
        """Hook: return a list of SQL queries that give the open tickets of the rule's
        company, one row each: ``client_id`` (commercial entity), ``model``, ``id``,
        ``opened`` (date), ``deadline`` (date or NULL). Tasks of support projects here;
        a helpdesk adds its own.
        """
        return [
            SQL(
                """
                SELECT partner.commercial_partner_id AS client_id,
                       'project.task' AS model, task.id,
                       task.create_date::date AS opened,
                       task.date_deadline::date AS deadline
                  FROM project_task task
                  JOIN project_project project ON project.id = task.project_id
                  JOIN res_partner partner
                    ON partner.id = COALESCE(task.partner_id, project.partner_id)
                 WHERE project.is_support AND project.active AND task.active
                   AND project.is_template IS NOT TRUE
                   AND task.state NOT IN %(closed)s AND %(own)s
                """,
                closed=CLOSED,
                own=self._get_company_sql(
                    SQL("task.company_id"),
                    SQL("project.company_id"),
                    SQL("partner.company_id"),
                ),
            )
        ]

    # ------------------------------------------------------------
    # NO USAGE
    # ------------------------------------------------------------

    def _find_no_usage(self, client_ids):
        """Running projects on which nothing has happened for some time, while the
        client has not shown up either."""
        today = self._get_today(self.company_id)
        visits = self._get_usage_dates(client_ids)
        quiet = defaultdict(list)
        for client_id, project_id, name, last in self._read_project_activity(
            client_ids, today
        ):
            if client_id in visits:
                last = max(last, visits[client_id])
            if (today - last).days >= self.days:
                quiet[client_id].append((last, project_id, name))
        findings = []
        for client_id, projects in quiet.items():
            projects.sort()
            last, project_id, name = projects[0]
            findings.append(
                self._prepare_finding(
                    client_id,
                    (today - last).days,
                    f"project.project,{project_id},{last.isoformat()}",
                    {
                        "project": name,
                        "count": len(projects),
                        "last": last.isoformat(),
                    },
                    "project.project",
                    [project_id for _last, project_id, _name in projects],
                )
            )
        return findings

    def _read_project_activity(self, client_ids, today):
        """Return [(client id, project id, name, day of the last activity)] of running
        projects; support projects are quiet when all is well."""
        lang = self.company_id.partner_id.lang or "en_US"
        # Raw SQL: the last of five kinds of records for each running project; the
        # subqueries use the indexes of a project's own records.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT partner.commercial_partner_id, project.id,
                       COALESCE(project.name ->> %(lang)s, project.name ->> 'en_US'),
                       GREATEST(
                           project.create_date::date,
                           project.date_start,
                           (SELECT MAX(line.date) FROM account_analytic_line line
                             WHERE line.project_id = project.id),
                           (SELECT MAX(GREATEST(
                                       task.create_date, task.date_last_stage_update,
                                       task.date_end
                                   ))::date
                              FROM project_task task
                             WHERE task.project_id = project.id),
                           (SELECT MAX(message.date)::date FROM mail_message message
                             WHERE message.model = 'project.project'
                               AND message.res_id = project.id
                               AND message.message_type IN ('comment', 'email')),
                           (SELECT MAX(message.date)::date
                              FROM project_task task
                              JOIN mail_message message
                                ON message.model = 'project.task'
                               AND message.res_id = task.id
                               AND message.message_type IN ('comment', 'email')
                             WHERE task.project_id = project.id)
                       )
                  FROM project_project project
                  JOIN res_partner partner ON partner.id = project.partner_id
                  LEFT JOIN project_project_stage stage ON stage.id = project.stage_id
                 WHERE partner.commercial_partner_id = ANY(%(clients)s)
                   AND project.active AND project.is_template IS NOT TRUE
                   AND project.is_support IS NOT TRUE
                   AND stage.fold IS NOT TRUE
                   AND project.last_update_status NOT IN ('on_hold', 'done')
                   AND COALESCE(project.date >= %(today)s, TRUE)
                   AND %(own)s
                """,
                lang=lang,
                clients=client_ids,
                today=today,
                own=self._get_company_sql(
                    SQL("project.company_id"), SQL("partner.company_id")
                ),
            )
        )
        self._keep_running_projects(rows)
        return rows

    def _keep_running_projects(self, rows):
        """Keep what was read for the health of the same batch of clients."""
        batch = self.env.cr.cache.get("retention_batch")
        if batch is not None:
            running = batch.setdefault("running", {})
            for client_id, _project, _name, last in rows:
                count, latest = running.get(client_id, (0, last))
                running[client_id] = (count + 1, max(latest, last))

    def _get_usage_dates(self, client_ids):
        """Hook: return {client id: day on which it last used what it pays for}. Visits
        to the portal here; an integrator adds the usage of a product::

            dates = super()._get_usage_dates(client_ids)
            for client_id, day in ...:
                dates[client_id] = max(day, dates.get(client_id, day))
        """
        # Raw SQL: logins are kept by user, and read for a batch of clients.
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT partner.commercial_partner_id, MAX(login.create_date)::date
                      FROM res_users_log login
                      JOIN res_users visitor
                        ON visitor.id = login.create_uid AND visitor.share
                      JOIN res_partner partner ON partner.id = visitor.partner_id
                     WHERE partner.commercial_partner_id = ANY(%s)
                     GROUP BY partner.commercial_partner_id
                    """,
                    client_ids,
                )
            )
        )
