import logging
from datetime import UTC, timedelta

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.season import next_good_day
from ..tools.workdays import WorkDays
from .retention_playbook import HAND_GOALS
from .retention_playbook_enter import BATCH

_logger = logging.getLogger(__name__)

#: Minutes in which a run is looked at once.
REST_MINUTES = 30
#: Days around today for which working days are read from the calendars.
DAYS_BACK, DAYS_AHEAD = 200, 400
#: Goals that are reached by a meeting: what was open of it is done, too.
MEETING_GOALS = ("meeting", "meeting_contact")
#: Kinds of steps that address the client: they mind the seasons.
ADDRESSING = ("activity", "mail", "quotation")


class RetentionRun(models.Model):
    """Going on: goals are checked, steps that are due are opened, all in sets.

    Looking at a run again changes nothing unless something has happened.
    """

    _inherit = "retention.run"

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _advance(self):
        """Bring running runs up to date: see whether they have ended, what became of
        their open steps, and open those that are due."""
        # sudo: the job covers the runs of all account managers
        runs = self.sudo().with_context(**self._get_quiet_context())
        runs = runs.filtered(lambda run: run.state == "running")
        # Another job may be at some of them.
        runs = runs.try_lock_for_update()
        runs -= runs._reach_goals()
        today = self._get_today()
        late = runs.filtered(lambda run: run.limit_on and run.limit_on < today)
        late._end("lost")
        runs -= late
        runs.step_ids._note_mail_errors()
        runs._see_open_steps()
        days = runs._get_work_days()
        # Steps that are done at once let the next ones be due. There are no more
        # rounds than a playbook has steps.
        while runs._open_due_steps(days):
            pass
        runs._note_attention()
        runs.advanced_at = fields.Datetime.now()

    def _advance_safely(self):
        """Bring runs up to date, by halves if there is one that cannot be: it must not
        keep the others from going on."""
        try:
            with self.env.cr.savepoint():
                self._advance()
        except OperationalError:
            # Two jobs got in each other's way: the next one does it.
            raise
        except Exception:
            if len(self) > 1:
                middle = len(self) // 2
                self[:middle]._advance_safely()
                self[middle:]._advance_safely()
                return
            _logger.exception("Run %s of a playbook does not go on", self.id)
            self.advanced_at = fields.Datetime.now()

    def _reach_goals(self):
        """End the runs whose goal is reached.

        :returns: these
        """
        won = self.browse()
        for goal, runs in self.grouped("goal").items():
            if goal in HAND_GOALS:
                continue
            model, events = runs._find_events(goal)
            reached = runs.filtered(lambda run, events=events: run.id in events)
            for run in reached:
                record = events[run.id].res_id
                run.write(
                    {"goal_model": record and model, "goal_res_id": record or False}
                )
            if goal in MEETING_GOALS:
                reached.step_ids._note_met()
            won |= reached
        won._end("won")
        return won

    def _see_open_steps(self):
        """Close the open steps whose activity is done, or whose event has happened or
        is waited for no longer."""
        today = self._get_today()
        steps = self.step_ids.filtered(lambda step: step.state in ("open", "failed"))
        waiting = steps.filtered(lambda step: step.kind == "wait")
        for step in steps - waiting:
            activity = step.activity_id
            if activity and not activity.active:
                step._close("done", activity.date_done or today)
            elif not activity and step.state == "open":
                step._fail(self.env._("The activity was deleted."))
        for name, some in waiting.grouped(lambda one: one.step_id.wait_for).items():
            events = some.run_id._find_events(name)[1] if name else {}
            for step in some:
                event = events.get(step.run_id.id)
                if event and event.last.date() >= step.since:
                    step._close("done", event.last.date())
                elif not name or (step.date_until and step.date_until < today):
                    step._close("skipped", today)
                    step.remark = self.env._("It did not come in time.")

    def _open_due_steps(self, days):
        """Open the steps that are due, in sets by kind.

        :param days: {company: :class:`WorkDays`}
        :returns: how many were opened or left out
        """
        today = self._get_today()
        events = self._find_delay_events()
        seasons = self._find_seasons()
        quiet = self._find_quiet_days()
        due = self.env["retention.run.step"]
        changed = 0
        for run in self:
            work = days[run.company_id]
            closed_on, blocked = run.started_on.date(), False
            for step in run.step_ids.sorted():
                if step.state in ("done", "skipped"):
                    closed_on = max(step.date_done or closed_on, closed_on)
                    continue
                if step.state != "waiting":
                    blocked = True
                    continue
                since = step._get_since(closed_on, blocked, events)
                blocked = True
                if not since:
                    continue
                day = work.add(since, step.step_id.delay_days)
                if run.company_id in seasons and step.kind in ADDRESSING:
                    good = next_good_day(day, seasons[run.company_id], works=work.works)
                    day = good or day
                if step._sends_by_itself():
                    day = step._get_mail_day(max(day, today), work, quiet)
                if step.date_due != day:
                    step.date_due = day
                if day > today:
                    continue
                remark = step._get_unmet_condition()
                if remark:
                    step._close("skipped", closed_on)
                    step.remark = remark
                    blocked = False
                    changed += 1
                else:
                    step.since = closed_on
                    due |= step
                    if step._sends_by_itself():
                        quiet[step._get_sent_key()] = today
        for kind, steps in due.grouped("kind").items():
            getattr(steps, f"_open_{kind}")(days)
        return changed + len(due)

    def _follow_steps(self):
        """Give running runs the steps that their playbook has now."""
        for run in self:
            have = {step.step_id: step for step in run.step_ids}
            reached = max(
                (
                    step.step_id.sequence or step.sequence
                    for step in run.step_ids
                    if step.state != "waiting"
                ),
                default=-1,
            )
            for step in run.playbook_id.step_ids:
                if step in have:
                    have[step].sequence = step.sequence
                elif step.sequence >= reached:
                    have[step] = have.get(step, run.step_ids).create(
                        step._prepare_run_step(run)
                    )
            gone = run.step_ids.filtered(
                lambda step, current=run.playbook_id.step_ids: (
                    step.state == "waiting" and step.step_id not in current
                )
            )
            gone.unlink()

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _find_delay_events(self):
        """Return {event: {run id: day}} of the events that waiting steps count from."""
        waiting = self.step_ids.filtered(
            lambda step: step.state == "waiting" and step.step_id.delay_from == "event"
        )
        return {
            name: {
                run_id: event.first.date()
                for run_id, event in steps.run_id._find_events(name)[1].items()
            }
            for name, steps in waiting.grouped(
                lambda step: step.step_id.delay_event
            ).items()
            if name
        }

    def _find_seasons(self):
        """Return {company: seasons} of these runs' companies that have any."""
        minding = self.filtered("playbook_id.use_seasons")
        found = {
            company: self.env["retention.season"]._get_seasons(company)
            for company in minding.company_id
        }
        return {company: seasons for company, seasons in found.items() if seasons}

    def _find_quiet_days(self):
        """Return {(client id, company id): day of the last mail of a playbook} of those
        of these runs' clients who are about to get an automatic one."""
        waiting = self.step_ids.filtered(
            lambda step: step.state == "waiting" and step._sends_by_itself()
        )
        return waiting._find_last_sent()

    def _get_work_days(self):
        """Return {company: :class:`WorkDays`} of these runs' companies."""
        today = self._get_today()
        first = today - timedelta(DAYS_BACK)
        last = today + timedelta(DAYS_AHEAD)
        found = {}
        for company in self.company_id:
            calendar = company.resource_calendar_id
            days = set()
            if calendar:
                intervals = calendar._work_intervals_batch(
                    fields.Datetime.to_datetime(first).replace(tzinfo=UTC),
                    fields.Datetime.to_datetime(last).replace(tzinfo=UTC),
                )[False]
                days = {start.date() for start, _stop, _meta in intervals}
            found[company] = WorkDays(days, first, last - timedelta(1))
        return found

    def _note_attention(self):
        for run in self:
            failed = any(step.state == "failed" for step in run.step_ids)
            if run.attention != failed:
                run.attention = failed

    # ------------------------------------------------------------
    # CRON
    # ------------------------------------------------------------

    @api.model
    def _cron_run(self):
        """Let clients enter and begin, and bring the running runs up to date, batch by
        batch. Whatever is left is taken up by the next run."""
        progress = self.env["ir.cron"]._commit_progress
        playbooks = self.env["retention.playbook"]
        # A company without playbooks of its own has the shared ones.
        for company in self.env["res.company"].search([]):  # pylint: disable=no-search-all
            for playbook in playbooks._get_active(company):
                while playbooks._lock_enter(company):
                    count = playbook._enter_safely(company, BATCH)
                    if not progress(remaining=1 + self._count_due()):
                        return
                    if count < BATCH:
                        break
            if playbooks._lock_enter(company):
                playbooks._drop_stale(company)
            # The lock ends with each batch.
            while playbooks._lock_enter(company):
                began = playbooks._start_queued(company, BATCH)
                if not progress(remaining=1 + self._count_due()):
                    return
                if len(began) < BATCH:
                    break
        while runs := self._get_due():
            runs._advance_safely()
            if not progress(len(runs), remaining=self._count_due()):
                break

    def _get_due_domain(self):
        rested = fields.Datetime.now() - timedelta(minutes=REST_MINUTES)
        return [
            ("state", "=", "running"),
            "|",
            ("advanced_at", "=", False),
            ("advanced_at", "<", rested),
        ]

    def _get_due(self):
        """Return a batch of running runs to look at, locked: no other job gets them."""
        rested = fields.Datetime.now() - timedelta(minutes=REST_MINUTES)
        self.env.flush_all()
        # Raw SQL: for the lock that skips what another job has.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id FROM retention_run
                 WHERE state = 'running'
                   AND (advanced_at IS NULL OR advanced_at < %s)
                 ORDER BY advanced_at NULLS FIRST, id LIMIT %s
                   FOR UPDATE SKIP LOCKED
                """,
                rested,
                BATCH,
            )
        )
        return self.browse([id_ for (id_,) in rows])

    def _count_due(self):
        return self.search_count(self._get_due_domain())
