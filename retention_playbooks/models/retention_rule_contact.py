from datetime import timedelta

from odoo import models
from odoo.tools import SQL, html2plaintext

#: Characters of a complaint that the sentence shows.
COMPLAINT_LENGTH = 150


class RetentionRule(models.Model):
    """Signals from people: complaints, a new manager at the client, promises that are
    overdue."""

    _inherit = "retention.rule"

    # ------------------------------------------------------------
    # COMPLAINT
    # ------------------------------------------------------------

    def _find_complaint(self, client_ids):
        """Messages marked and records tagged as complaint, and low ratings, of the last
        time; the latest one counts."""
        since = self._get_today(self.company_id) - timedelta(days=self.days)
        found = {}
        rows = [
            *self._read_marked_messages(client_ids, since),
            *self._read_tagged_records(client_ids, since),
            *self._read_low_ratings(client_ids, since),
        ]
        for client_id, *row in sorted(rows, key=lambda row: (row[0], row[1], row[3])):
            found.setdefault(client_id, []).append(row)
        findings = []
        for client_id, complaints in found.items():
            when, model, record_id, text, rating = complaints[-1]
            text = " ".join(html2plaintext(text or "").split())
            if len(text) > COMPLAINT_LENGTH:
                text = text[: COMPLAINT_LENGTH - 1].rstrip() + "…"
            findings.append(
                self._prepare_finding(
                    client_id,
                    len(complaints),
                    f"{model},{record_id}",
                    {
                        "date": when.date().isoformat(),
                        "text": text,
                        "rating": rating,
                        "count": len(complaints),
                    },
                    model,
                    [row[2] for row in reversed(complaints) if row[1] == model],
                )
            )
        return findings

    def _read_marked_messages(self, client_ids, since):
        """Return [(client id, when, model, id, text, None)] of messages that somebody
        has marked as complaint."""
        # Raw SQL: messages are read one record at a time else, for their rights.
        return self.env.execute_query(
            SQL(
                """
                SELECT client.commercial_partner_id, message.date, 'mail.message',
                       message.id, message.body, NULL
                  FROM mail_message message
                  JOIN res_partner client ON client.id = message.complaint_partner_id
                 WHERE client.commercial_partner_id = ANY(%s)
                   AND message.complaint_company_id = %s AND message.date >= %s
                """,
                client_ids,
                self.company_id.id,
                since,
            )
        )

    def _read_tagged_records(self, client_ids, since):
        """Return [(client id, when, model, id, text, None)] of records with a tag that
        makes them a complaint."""
        # Raw SQL: records of several models, for a batch of clients.
        return self.env.execute_query(
            SQL(
                """
                SELECT client_id, moment, model, id, name, NULL
                  FROM (%s) AS tagged
                 WHERE client_id = ANY(%s) AND moment >= %s
                """,
                SQL(" UNION ALL ").join(self._get_tagged_sources()),
                client_ids,
                since,
            )
        )

    def _get_tagged_sources(self):
        """Hook: return a list of SQL queries that give the records of the rule's
        company that are tagged as complaints, one row each: ``client_id`` (commercial
        entity), ``moment``, ``model``, ``id``, ``name``. Leads, opportunities and
        tasks here. Who archives one takes it back."""
        return [
            SQL(
                """
                SELECT partner.commercial_partner_id AS client_id,
                       COALESCE(lead.complaint_on, lead.create_date) AS moment,
                       'crm.lead' AS model, lead.id, lead.name
                  FROM crm_lead lead
                  JOIN res_partner partner ON partner.id = lead.partner_id
                 WHERE lead.active AND %(own)s
                   AND EXISTS (
                       SELECT FROM crm_tag_rel given
                         JOIN crm_tag tag ON tag.id = given.tag_id
                        WHERE given.lead_id = lead.id AND tag.is_complaint)
                """,
                own=self._get_company_sql(
                    SQL("lead.company_id"), SQL("partner.company_id")
                ),
            ),
            SQL(
                """
                SELECT partner.commercial_partner_id AS client_id,
                       COALESCE(task.complaint_on, task.create_date) AS moment,
                       'project.task' AS model, task.id, task.name
                  FROM project_task task
                  JOIN res_partner partner ON partner.id = task.partner_id
                 WHERE task.active AND %(own)s
                   AND EXISTS (
                       SELECT FROM project_tags_project_task_rel given
                         JOIN project_tags tag ON tag.id = given.project_tags_id
                        WHERE given.project_task_id = task.id AND tag.is_complaint)
                """,
                own=self._get_company_sql(
                    SQL("task.company_id"), SQL("partner.company_id")
                ),
            ),
        ]

    def _read_low_ratings(self, client_ids, since):
        """Return [(client id, when, model, id, text, rating)] of low ratings."""
        if not self.rating_limit:
            return []
        # Raw SQL: ratings have no company, it is that of the project they belong to.
        return self.env.execute_query(
            SQL(
                """
                SELECT partner.commercial_partner_id,
                       COALESCE(rating.rated_on, rating.write_date), 'rating.rating',
                       rating.id, rating.feedback, rating.rating
                  FROM rating_rating rating
                  JOIN res_partner partner ON partner.id = rating.partner_id
                  LEFT JOIN project_project project
                    ON rating.parent_res_model = 'project.project'
                   AND project.id = rating.parent_res_id
                 WHERE partner.commercial_partner_id = ANY(%(clients)s)
                   AND rating.consumed AND rating.rating <= %(limit)s
                   AND COALESCE(rating.rated_on, rating.write_date) >= %(since)s
                   AND %(own)s
                """,
                clients=client_ids,
                limit=self.rating_limit,
                since=since,
                own=self._get_company_sql(
                    SQL("project.company_id"), SQL("partner.company_id")
                ),
            )
        )

    # ------------------------------------------------------------
    # NEW CONTACT
    # ------------------------------------------------------------

    def _find_new_contact(self, client_ids):
        """Changes of the client's people of the last time, at clients that we have
        worked for before; the latest one counts."""
        today = self._get_today(self.company_id)
        since = today - timedelta(days=self.days)
        # Raw SQL: the last change of each client of a batch, and those who cannot be
        # reached any more.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT ON (client_id) client_id, change, day, key, contact_id,
                       name, former
                  FROM (
                        SELECT change.client_id, change.kind AS change,
                               change.date AS day, 'change,' || change.id AS key,
                               change.contact_id, change.name,
                               change.former_name AS former
                          FROM retention_contact_change change
                         WHERE change.client_id = ANY(%(clients)s)
                           AND change.date >= %(since)s
                        UNION ALL
                        SELECT contact.commercial_partner_id, 'bounced',
                               %(today)s::date, 'bounced,' || contact.id,
                               contact.id, contact.name, NULL
                          FROM res_partner contact
                         WHERE %(bounces)s > 0
                           AND contact.message_bounce >= %(bounces)s
                           AND contact.commercial_partner_id = ANY(%(clients)s)
                           AND contact.id <> contact.commercial_partner_id
                           AND contact.active AND %(key)s
                       ) AS change
                 WHERE %(known)s
                 ORDER BY client_id, change = 'bounced', day DESC, key DESC
                """,
                clients=client_ids,
                since=since,
                today=today,
                bounces=self.bounce_limit,
                key=self.env["res.partner"]._get_key_contact_sql("contact"),
                known=self._get_known_client_sql(),
            )
        )
        return [
            self._prepare_finding(
                client_id,
                1,
                key,
                {
                    "change": change,
                    # Nobody knows since when mails come back.
                    "date": None if change == "bounced" else day.isoformat(),
                    "name": name,
                    "former": former,
                },
                "res.partner",
                [contact_id] if contact_id else [],
            )
            for client_id, change, day, key, contact_id, name, former in rows
        ]

    def _get_known_client_sql(self):
        """Return SQL that tells whether the rule's company has worked for
        ``change.client_id`` before ``change.day``: the people of a new client are no
        news."""
        return SQL(
            """
            (EXISTS (SELECT FROM client_tier_assignment given
                      WHERE given.partner_id = change.client_id
                        AND given.company_id = %(company)s
                        AND given.tier_id IS NOT NULL
                        AND given.since < change.day)
             OR EXISTS (SELECT FROM res_partner partner
                          JOIN sale_order sale ON sale.partner_id = partner.id
                         WHERE partner.commercial_partner_id = change.client_id
                           AND sale.company_id = %(company)s AND sale.state = 'sale'
                           AND sale.date_order < change.day)
             OR EXISTS (SELECT FROM res_partner partner
                          JOIN account_move move ON move.partner_id = partner.id
                         WHERE partner.commercial_partner_id = change.client_id
                           AND move.company_id = %(company)s
                           AND move.state = 'posted'
                           AND move.move_type = 'out_invoice'
                           AND move.invoice_date < change.day))
            """,
            company=self.company_id.id,
        )

    # ------------------------------------------------------------
    # OVERDUE TOUCHPOINTS
    # ------------------------------------------------------------

    def _find_overdue_touch(self, client_ids):
        """Promised meetings and calls whose time is over. Newsletters go to all: no
        manager makes up for one."""
        today = self._get_today(self.company_id)
        # Raw SQL: one row for each client of a batch.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT partner_id, COUNT(*), MIN(window_end),
                       array_agg(id ORDER BY window_end, id),
                       (array_agg(channel ORDER BY window_end, id))[1]
                  FROM client_touchpoint
                 WHERE partner_id = ANY(%s) AND company_id = %s AND is_open
                   AND channel <> 'newsletter' AND window_end < %s
                 GROUP BY partner_id
                """,
                client_ids,
                self.company_id.id,
                today - timedelta(days=self.days),
            )
        )
        return [
            self._prepare_finding(
                client_id,
                (today - end).days,
                f"client.touchpoint,{ids[0]}",
                {"count": count, "channel": channel, "end": end.isoformat()},
                "client.touchpoint",
                ids,
            )
            for client_id, count, end, ids, channel in rows
        ]
