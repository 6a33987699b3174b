import logging
from datetime import timedelta

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import LockError

from .client_value_rule import BATCH_SIZES

_logger = logging.getLogger(__name__)

# With no more records than these a scan is made at once, while the user waits.
SMALL_SCAN = 2000
# A transaction may have begun before a scan and ended after it: its changes, that the
# scan could not see, bear the time of its beginning.
OVERLAP = timedelta(hours=1)
# With more changes than these everything is scanned.
MANY_CHANGES = 100_000


class ClientValueScan(models.Model):
    """One walk through Odoo's records in search of favours, and how far it is.

    It goes on in batches, each a transaction of its own with the place reached: a scan
    that is interrupted goes on there.
    """

    _name = "client.value.scan"
    _description = "Client Value Scan"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"

    kind = fields.Selection(
        selection=[("full", "Everything"), ("changes", "What has changed")],
        required=True,
        default="full",
        readonly=True,
    )
    state = fields.Selection(
        selection=[
            ("running", "Running"),
            ("done", "Done"),
            ("cancelled", "Stopped"),
        ],
        required=True,
        default="running",
        readonly=True,
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Started by",
        default=lambda self: self.env.user,
        readonly=True,
    )
    started_on = fields.Datetime(default=fields.Datetime.now, readonly=True)
    ended_on = fields.Datetime(readonly=True)
    # What is to be scanned, one step after the other: [{"unit": model, "ids": ids or
    # null for all}]; the step that is under way, and how far it is.
    steps = fields.Json(readonly=True, groups="sales_team.group_sale_manager")
    step = fields.Integer(readonly=True)
    reached = fields.Integer(
        readonly=True, help="The last record scanned in the step that is under way."
    )
    record_count = fields.Integer(string="Records to Scan", readonly=True)
    done_count = fields.Integer(string="Records Scanned", readonly=True)
    progress = fields.Float(compute="_compute_progress", aggregator=None)
    created_count = fields.Integer(string="New Suggestions", readonly=True)
    updated_count = fields.Integer(string="Updated", readonly=True)
    withdrawn_count = fields.Integer(string="Withdrawn", readonly=True)
    problems = fields.Text(
        readonly=True,
        groups="sales_team.group_sale_manager",
        help="Records that could not be scanned, and why.",
    )

    # Two scans at once would do the same work twice.
    _running_uniq = models.UniqueIndex(
        "(state) WHERE state = 'running'", "A scan is running already."
    )

    @api.depends("record_count", "done_count", "state")
    def _compute_progress(self):
        for scan in self:
            if scan.state == "done" or not scan.record_count:
                scan.progress = 100.0
            else:
                scan.progress = min(100.0 * scan.done_count / scan.record_count, 100.0)

    @api.depends("started_on")
    def _compute_display_name(self):
        for scan in self:
            day = fields.Datetime.context_timestamp(
                scan, scan.started_on or fields.Datetime.now()
            )
            scan.display_name = self.env._(
                "Scan of %s", self.env["ir.qweb.field.date"].value_to_html(day, {})
            )

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    @api.model
    def action_scan_history(self):
        """Scan everything: at once when there is little, else in the background.

        :return: the action that shows the suggestions, or the scan's progress
        """
        self.check_access("create")
        scan = self._get_running() or self._start("full")
        if scan.record_count <= SMALL_SCAN:
            scan._run_to_end()
            return self.env["client.value.entry"]._get_suggestion_action(
                scan.created_count
            )
        # sudo: whoever may start a scan may wake the job that makes it
        self.env.ref("client_value_dossier.ir_cron_scan").sudo()._trigger()
        return scan._get_form_action()

    def action_view_suggestions(self):
        """Open the suggestions that wait for a decision."""
        return self.env["client.value.entry"]._get_suggestion_action()

    def action_stop(self):
        """Stop a running scan; what it has found stays."""
        self.filtered(lambda scan: scan.state == "running").write(
            {"state": "cancelled", "ended_on": fields.Datetime.now()}
        )
        return True

    def _get_form_action(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": self.id,
            "views": [(False, "form")],
        }

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    @api.model
    def _get_running(self):
        """Return the scan that has not come to its end, if any."""
        return self.search([("state", "=", "running")], limit=1)

    @api.model
    def _start(self, kind):
        """Return a new scan, with all that it has to do.

        :param kind: ``full``, or ``changes`` for what has changed since the last scan;
            what has not been scanned with a rule's present settings is scanned again
        """
        rules = self.env["client.value.rule"]
        started_on = fields.Datetime.now()
        # The end of a scan before, in this transaction.
        self.flush_model(["state"])
        steps, count = [], 0
        for unit in rules._get_units_in_use():
            since = kind == "changes" and self._get_since(unit)
            ids = rules._get_changed_ids(unit, since - OVERLAP) if since else None
            if ids is not None and len(ids) > MANY_CHANGES:
                ids = None
            count += rules._count_units(unit) if ids is None else len(ids)
            steps.append({"unit": unit, "ids": ids})
        return self.create(
            {
                "kind": kind,
                "started_on": started_on,
                "steps": steps,
                "record_count": count,
            }
        )

    @api.model
    def _get_since(self, unit):
        """Return up to when all active rules of a unit know what happened, False when
        one of them knows nothing."""
        rules = self.env["client.value.rule"]._get_unit_rules(unit).filtered("active")
        known = [rule.scanned_until for rule in rules]
        return all(known) and min(known)

    def _run_to_end(self):
        """Scan all that is left, in this transaction."""
        self.ensure_one()
        while self.state == "running":
            self._scan_batch()

    def _scan_batch(self):
        """Scan the next batch and note the place reached.

        :return: number of records scanned
        :raise LockError: when another scan is under way
        """
        self.ensure_one()
        if self.step >= len(self.steps):
            self._finish()
            return 0
        step = self.steps[self.step]
        unit = step["unit"]
        size = BATCH_SIZES[unit]
        if step["ids"] is None:
            ids = self.env["client.value.rule"]._get_unit_ids(
                unit, after=self.reached, limit=size
            )
        else:
            ids = [id_ for id_ in step["ids"] if id_ > self.reached][:size]
        if ids:
            found = self._harvest(unit, ids)
            self.write(
                {
                    "reached": ids[-1],
                    "done_count": self.done_count + len(ids),
                    "created_count": self.created_count + found["created"],
                    "updated_count": self.updated_count + found["updated"],
                    "withdrawn_count": self.withdrawn_count + found["withdrawn"],
                }
            )
        if len(ids) < size:
            self.write({"step": self.step + 1, "reached": 0})
            if self.step >= len(self.steps):
                self._finish()
        return len(ids)

    def _harvest(self, unit, ids):
        """Scan records; one that cannot be scanned is left out and noted.

        :return: {"created", "updated", "withdrawn": number of entries}
        """
        rules = self.env["client.value.rule"]
        try:
            with self.env.cr.savepoint():
                found = rules._harvest_batch(unit, ids)
        except (LockError, OperationalError):
            # Another scan, or a conflict that a new try solves.
            raise
        except Exception as error:
            if len(ids) == 1:
                _logger.exception("%s(%s) could not be scanned", unit, ids[0])
                # sudo: only the record's name is noted
                name = self.env[unit].sudo().browse(ids[0]).display_name
                self.problems = f"{self.problems or ''}{name}: {error}\n"
                return {"created": 0, "updated": 0, "withdrawn": 0}
            middle = len(ids) // 2
            first = self._harvest(unit, ids[:middle])
            second = self._harvest(unit, ids[middle:])
            return {key: first[key] + second[key] for key in first}
        return {key: len(entries) for key, entries in found.items()}

    def _finish(self):
        """Deal with entries whose record was deleted, and note up to when the rules
        know what happened."""
        rules = self.env["client.value.rule"]._get_all_rules()
        # sudo: entries of all clients and companies, whoever scans
        entries = self.env["client.value.entry"].sudo()
        withdrawn = entries._withdraw_orphans(rules)
        # A rule that was changed meanwhile knows only a part of it.
        known = rules.filtered(
            lambda rule: not rule.tuned_on or rule.tuned_on < self.started_on
        )
        known.write({"scanned_until": self.started_on})
        self.write(
            {
                "state": "done",
                "ended_on": fields.Datetime.now(),
                "withdrawn_count": self.withdrawn_count + len(withdrawn),
            }
        )

    # ------------------------------------------------------------
    # CRON
    # ------------------------------------------------------------

    @api.model
    def _cron_scan(self):
        """Go on with the scan that is under way, else scan what has changed.

        Nothing is scanned before somebody has asked for the history once.
        """
        scan = self._get_running()
        if not scan:
            if not self.search_count([("state", "=", "done")], limit=1):
                return
            scan = self._start("changes")
        while scan.state == "running":
            try:
                count = scan._scan_batch()
            except LockError:
                # Somebody scans a client just now: a matter of seconds.
                self.env.cr.rollback()
                self.env.ref("client_value_dossier.ir_cron_scan")._trigger(
                    fields.Datetime.now() + timedelta(minutes=1)
                )
                self.env["ir.cron"]._commit_progress(remaining=0)
                return
            left = max(scan.record_count - scan.done_count, 1)
            remaining = left if scan.state == "running" else 0
            if not self.env["ir.cron"]._commit_progress(count, remaining=remaining):
                return

    @api.model
    def _cron_remind(self):
        """Give everybody who has suggestions to review one activity that says so, and
        bring to an end those of people who have none left."""
        scan = self.search([("state", "=", "done")], limit=1)
        if not scan:
            return
        kind = self.env.ref("client_value_dossier.mail_activity_type_review")
        counts = dict(
            self.env["client.value.entry"]._read_group(
                [
                    ("state", "=", "suggested"),
                    ("account_manager_id.active", "=", True),
                    ("company_id.client_value_review_activity", "=", True),
                ],
                ["account_manager_id"],
                ["__count"],
            )
        )
        open_activities = self.env["mail.activity"].search(
            [("activity_type_id", "=", kind.id), ("res_model", "=", self._name)]
        )
        reminded = self.env["res.users"]
        for activity in open_activities:
            user = activity.user_id
            if user in counts and user not in reminded:
                activity.summary = self._get_reminder(user, counts[user])
                reminded |= user
            else:
                activity.action_feedback()
        for user, count in counts.items():
            if user not in reminded:
                scan.activity_schedule(
                    activity_type_id=kind.id,
                    summary=self._get_reminder(user, count),
                    user_id=user.id,
                )

    @api.model
    def _get_reminder(self, user, count):
        """Return the text of the weekly activity, in the user's language."""
        return self.with_context(lang=user.lang).env._(
            "Review suggestions of client value: %s", count
        )

    @api.autovacuum
    def _gc_scans(self):
        """Forget nightly scans of more than a quarter ago that found nothing."""
        self.search(
            [
                ("kind", "=", "changes"),
                ("state", "!=", "running"),
                ("created_count", "=", 0),
                ("ended_on", "<", fields.Datetime.now() - timedelta(days=90)),
            ]
        ).unlink()
