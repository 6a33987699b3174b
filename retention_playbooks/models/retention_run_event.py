from datetime import datetime
from typing import NamedTuple

from odoo import fields, models
from odoo.tools import SQL

from .retention_health import PART_KINDS
from .retention_health_refresh import SETTLED
from .retention_signal_refresh import SUPERSEDED


class Event(NamedTuple):
    """What happened since the start of a run.

    :param first: when it happened first
    :param last: when last
    :param res_id: the record that shows the first one
    """

    first: datetime
    last: datetime
    res_id: int


class RetentionRun(models.Model):
    """What counts as goal, or as an event that steps wait for.

    An integrator adds one by a selection value ``x`` and a method ``_get_x_query``.
    """

    _inherit = "retention.run"

    def _find_events(self, name):
        """Return the records of one kind of these running runs.

        :param name: a goal or an event; ``_get_<name>_query`` serves it
        :returns: name of the model, {run id: :class:`Event`}
        """
        if not self:
            return None, {}
        model, query = getattr(self, f"_get_{name}_query")()
        self.env.flush_all()
        # Raw SQL: what happened with the clients of a thousand runs, in one query.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT run_id, MIN(moment), MAX(moment),
                       (ARRAY_AGG(record_id ORDER BY moment, record_id))[1]
                  FROM (%s) AS happened (run_id, moment, record_id)
                 GROUP BY run_id
                """,
                query,
            )
        )
        return model, {run_id: Event(*values) for run_id, *values in rows}

    def _get_order_query(self):
        """Orders confirmed since the start; rows of run, moment, record."""
        return "sale.order", SQL(
            """
            SELECT run.id, sale.date_order, sale.id
              FROM retention_run run
              JOIN res_partner person
                ON person.commercial_partner_id = run.partner_id
              JOIN sale_order sale ON sale.partner_id = person.id
             WHERE run.id = ANY(%s) AND sale.company_id = run.company_id
               AND sale.state = 'sale' AND sale.date_order >= run.started_on
            """,
            self.ids,
        )

    def _get_invoice_paid_query(self):
        """Invoices of since the start that are paid."""
        return "account.move", SQL(
            """
            SELECT run.id, move.invoice_date::timestamp, move.id
              FROM retention_run run
              JOIN account_move move ON move.commercial_partner_id = run.partner_id
             WHERE run.id = ANY(%s) AND move.company_id = run.company_id
               AND move.move_type = 'out_invoice' AND move.state = 'posted'
               AND move.payment_state IN ('paid', 'in_payment')
               AND move.invoice_date >= run.started_on::date
            """,
            self.ids,
        )

    def _get_meeting_query(self, with_contact=False):
        """Meetings that began after the start and are over, with somebody of the client
        who has not declined; and meetings that are done without the calendar."""
        person = SQL("person.id = run.contact_id") if with_contact else SQL("TRUE")
        # Without the calendar, nobody knows which contact has been met; only the
        # meetings of the playbook itself are with the contact of the run.
        by_hand = (
            SQL(
                """EXISTS (SELECT FROM retention_run_step step
                            WHERE step.run_id = run.id
                              AND step.activity_id = activity.id)"""
            )
            if with_contact
            else SQL("TRUE")
        )
        return "calendar.event", SQL(
            """
            SELECT run.id, meeting.stop, meeting.id
              FROM retention_run run
              JOIN res_partner person
                ON person.commercial_partner_id = run.partner_id
              JOIN calendar_attendee attendee ON attendee.partner_id = person.id
               AND attendee.state IS DISTINCT FROM 'declined'
              JOIN calendar_event meeting ON meeting.id = attendee.event_id
             WHERE run.id = ANY(%(ids)s) AND %(person)s AND meeting.active
               AND meeting.start >= run.started_on
               AND meeting.stop <= %(now)s
             UNION ALL
            SELECT run.id, activity.date_done::timestamp + INTERVAL '12 hours', NULL
              FROM retention_run run
              JOIN res_partner person
                ON person.commercial_partner_id = run.partner_id
              JOIN mail_activity activity ON activity.res_id = person.id
               AND activity.res_model = 'res.partner' AND NOT activity.active
              JOIN mail_activity_type type ON type.id = activity.activity_type_id
               AND type.category = 'meeting'
             WHERE run.id = ANY(%(ids)s) AND %(by_hand)s
               AND activity.calendar_event_id IS NULL
               AND activity.date_done >= run.started_on::date
            """,
            ids=self.ids,
            person=person,
            by_hand=by_hand,
            now=fields.Datetime.now(),
        )

    def _get_meeting_contact_query(self):
        """Meetings with the contact of the run: in the calendar, or as a step of the
        playbook that was done."""
        return self._get_meeting_query(with_contact=True)

    def _get_result_query(self):
        """Milestones reached since the start; and tasks done, in projects that have no
        milestones. When a task was done, its tracked state tells."""
        return "project.milestone", SQL(
            """
            SELECT run.id, stone.reached_date::timestamp, stone.id
              FROM retention_run run
              JOIN res_partner person
                ON person.commercial_partner_id = run.partner_id
              JOIN project_project project ON project.partner_id = person.id
              JOIN project_milestone stone ON stone.project_id = project.id
             WHERE run.id = ANY(%(ids)s) AND stone.is_reached
               AND (project.company_id IS NULL OR project.company_id = run.company_id)
               AND stone.reached_date >= run.started_on::date
             UNION ALL
            SELECT run.id, change.date, NULL
              FROM retention_run run
              JOIN res_partner person
                ON person.commercial_partner_id = run.partner_id
              JOIN project_project project ON project.partner_id = person.id
              JOIN project_task task ON task.project_id = project.id
              JOIN mail_message change ON change.model = 'project.task'
               AND change.res_id = task.id AND change.date >= run.started_on
              JOIN mail_tracking_value tracked ON tracked.mail_message_id = change.id
               AND tracked.field_id = %(state)s
             WHERE run.id = ANY(%(ids)s) AND task.state = '1_done'
               AND (project.company_id IS NULL OR project.company_id = run.company_id)
               AND NOT EXISTS (
                   SELECT FROM project_milestone stone
                    WHERE stone.project_id = project.id)
            """,
            ids=self.ids,
            state=self.env["ir.model.fields"]._get("project.task", "state").id,
        )

    def _get_reply_query(self):
        """Mails that somebody of the client has sent since the start."""
        return "mail.message", SQL(
            """
            SELECT run.id, message.date, message.id
              FROM retention_run run
              JOIN res_partner person
                ON person.commercial_partner_id = run.partner_id
              JOIN mail_message message ON message.author_id = person.id
             WHERE run.id = ANY(%s) AND message.message_type = 'email'
               AND message.date >= run.started_on
            """,
            self.ids,
        )

    def _get_signal_closed_query(self):
        """The signal of the run, when its reason is gone.

        It is not gone because a graver one says the same now, nor because somebody has
        marked it as handled: then the client's health must have become green. Only a
        complaint, or a change of people, is over when it is handled and no step is
        left.
        """
        graver = [
            (kind, other) for kind, others in SUPERSEDED.items() for other in others
        ]
        parts = [(kind, part) for part, kinds in PART_KINDS.items() for kind in kinds]
        return "retention.signal", SQL(
            """
            SELECT run.id, signal.date_closed::timestamp, signal.id
              FROM retention_run run
              JOIN retention_signal signal ON signal.id = run.signal_id
             WHERE run.id = ANY(%(ids)s) AND signal.state = 'expired'
               AND signal.date_closed IS NOT NULL
               AND NOT EXISTS (
                   SELECT FROM retention_signal other
                    WHERE other.partner_id = signal.partner_id
                      AND other.company_id = signal.company_id
                      AND (signal.kind, other.kind) IN %(graver)s
                      AND other.state <> 'expired'
                      AND other.date_open >= signal.date_open)
             UNION ALL
            SELECT run.id, GREATEST(signal.date_closed, health.date_from)::timestamp,
                   signal.id
              FROM retention_run run
              JOIN retention_signal signal ON signal.id = run.signal_id
              JOIN retention_health health ON health.partner_id = signal.partner_id
               AND health.company_id = signal.company_id
               AND (signal.kind, health.part) IN %(parts)s
             WHERE run.id = ANY(%(ids)s) AND signal.state = 'handled'
               AND signal.kind NOT IN %(settled)s
               AND health.level = 'green' AND health.date_to IS NULL
             UNION ALL
            SELECT run.id, GREATEST(signal.date_closed, MAX(step.date_done))::timestamp,
                   signal.id
              FROM retention_run run
              JOIN retention_signal signal ON signal.id = run.signal_id
              JOIN retention_run_step step ON step.run_id = run.id
             WHERE run.id = ANY(%(ids)s) AND signal.state = 'handled'
               AND signal.kind IN %(settled)s
             GROUP BY run.id, signal.id
            HAVING BOOL_AND(step.state IN ('done', 'skipped'))
            """,
            ids=self.ids,
            graver=tuple(graver),
            parts=tuple(parts),
            settled=SETTLED,
        )
