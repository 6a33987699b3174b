from zlib import crc32

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL

#: Clients that are looked at together, in one transaction: some seconds' work. With
#: fewer the database reads whole tables of orders too often.
BATCH = 25_000


class RetentionScan(models.Model):
    """One pass over all clients of a company: what the weekly job does.

    It goes on from the last client after a batch, a stop or a crash.
    """

    _name = "retention.scan"
    _description = "Search for Signals"
    _order = "id desc"
    _rec_name = "started_on"

    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self._default_company_id(),
        ondelete="cascade",
    )
    state = fields.Selection(
        selection=[("running", "Running"), ("done", "Done")],
        required=True,
        default="running",
    )
    started_on = fields.Datetime(required=True, default=fields.Datetime.now)
    ended_on = fields.Datetime()
    last_client_id = fields.Integer(
        aggregator=None, help="Id of the client looked at last."
    )
    client_count = fields.Integer(string="Clients")
    raised_count = fields.Integer(string="Raised")
    updated_count = fields.Integer(string="Changed")
    expired_count = fields.Integer(string="Signals Expired")

    # Two jobs at once go on with the same one.
    _running_uniq = models.UniqueIndex(
        "(company_id) WHERE state = 'running'",
        "Signals are just being looked for.",
    )
    _company_idx = models.Index("(company_id, started_on)")

    def _default_company_id(self):
        return self.env.company

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    @api.model
    def action_start(self):
        """Look for signals of all clients of the current company, in the background.

        :raises AccessError: the user is no Sales administrator
        """
        if not self.env.user.has_group("sales_team.group_sale_manager"):
            raise AccessError(
                self.env._("Only Sales administrators look for all signals.")
            )
        company = self.env.company
        if not self._get_running(company):
            self.create({"company_id": company.id})
        # sudo: the job belongs to the system
        self.env.ref("retention_playbooks.ir_cron_find_signals").sudo()._trigger()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "message": self.env._(
                    "Signals are being looked for in the background. Come back in a "
                    "few minutes."
                ),
            },
        }

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    @api.model
    def _get_running(self, company):
        return self.search(
            [("company_id", "=", company.id), ("state", "=", "running")], limit=1
        )

    @api.model
    def _is_due(self, company):
        """Return whether the weekly time of a company has come since its last scan, or
        since it has had rules: nobody is surprised on the day of the installation."""
        slot = company._get_last_signal_slot()
        if self.search_count(
            [("company_id", "=", company.id), ("started_on", ">=", slot)], limit=1
        ):
            return False
        rules = self.env["retention.rule"]._get_all_rules(company)
        return any(rule.create_date < slot for rule in rules)

    @api.model
    def _lock(self, company):
        """Keep others from scanning a company until the transaction ends.

        :returns: whether it is ours
        """
        # Raw SQL: an advisory lock keeps nobody from working with the company.
        [(locked,)] = self.env.execute_query(
            SQL(
                "SELECT pg_try_advisory_xact_lock(%s, %s)",
                crc32(self._name.encode()) & 0x7FFFFFFF,
                company.id,
            )
        )
        self.invalidate_model()
        return locked

    def _scan_batch(self, size=None):
        """Look at the next clients of a scan.

        :param size: how many at most, by default :data:`BATCH`
        :returns: how many there were; fewer than *size* and the scan is done
        """
        self.ensure_one()
        size = size or BATCH
        clients = self.env["retention.client"]
        if not self.last_client_id:
            # Urgency is measured by what is usual.
            clients._recompute_usual_revenue(self.company_id)
            # Signals of lapsed clients tell how many such clients return.
            self.env["retention.return.rate"]._recompute_rates(self.company_id)
        ids = self._get_next_clients(size)
        effect = {"raised": 0, "updated": 0, "expired": 0}
        if ids:
            effect = self.env["retention.signal"]._refresh(self.company_id, ids)
        values = {
            "client_count": self.client_count + len(ids),
            "raised_count": self.raised_count + effect["raised"],
            "updated_count": self.updated_count + effect["updated"],
            "expired_count": self.expired_count + effect["expired"],
        }
        if ids:
            values["last_client_id"] = ids[-1]
        if len(ids) < size:
            values |= {"state": "done", "ended_on": fields.Datetime.now()}
        self.write(values)
        self.env.flush_all()
        self.env.invalidate_all()
        if self.state == "done":
            clients._send_digests(self.company_id)
        return len(ids)

    def _get_next_clients(self, size):
        # Raw SQL: ids alone, by the primary key. Archived clients are looked at, too:
        # their signals close.
        return [
            client_id
            for (client_id,) in self.env.execute_query(
                SQL(
                    """
                    SELECT id FROM res_partner
                     WHERE id > %s AND commercial_partner_id = id
                     ORDER BY id LIMIT %s
                    """,
                    self.last_client_id or 0,
                    size,
                )
            )
        ]

    # ------------------------------------------------------------
    # CRON
    # ------------------------------------------------------------

    @api.model
    def _cron_find_signals(self):
        """Go on with scans that are under way, and begin those whose time has come."""
        cron = self.env["ir.cron"]
        waiting = (
            self.env["res.company"]
            .search(Domain.TRUE)
            .filtered(
                lambda company: self._get_running(company) or self._is_due(company)
            )
        )
        for number, company in enumerate(waiting, 1):
            # Where the lock is another job's, that one is at it.
            while self._lock(company) and (
                scan := self._get_running(company)
                or (self._is_due(company) and self.create({"company_id": company.id}))
            ):
                count = scan._scan_batch()
                left = len(waiting) - number + (scan.state == "running")
                if not cron._commit_progress(count, remaining=left):
                    return

    @api.autovacuum
    def _gc_scans(self):
        """Forget scans of more than two years ago."""
        bound = fields.Datetime.subtract(fields.Datetime.now(), years=2)
        self.search([("state", "=", "done"), ("started_on", "<", bound)]).unlink()
