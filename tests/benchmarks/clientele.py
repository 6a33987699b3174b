"""The clients that signals are found of: what they have bought, what was done for them,
and what was promised to them in five years.

The figures in a copy depend on its number alone: two runs look at the same clients.
"""

from datetime import timedelta
from types import SimpleNamespace

from odoo import Command, fields
from odoo.tools import SQL

from .copies import commit, copy_record, leave_out_foreign_keys

#: Orders of each of twenty clients; some buy every month, some have bought once. Ten
#: on average.
ORDERS = (1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 8, 9, 10, 11, 12, 13, 14, 16, 24, 44)
#: Shares of clients: gone for more than two years, for more than one, and silent for
#: longer than their rhythm allows. The others buy as always.
LOST, LAPSED, BROKEN = 0.07, 0.08, 0.1
#: Shares of clients that bring less than half of what they did a year ago, of invoices
#: that are not paid, of clients with touchpoints that nobody has kept.
SHRINKING, UNPAID, FORGOTTEN = 0.05, 0.006, 0.08
#: One of so many clients has a project that is worked on, one with tickets, a contract.
RUNNING, SUPPORT, CONTRACT = 5, 10, 50
#: Shares of these projects: nobody works on it, tickets pile up.
QUIET, PILED = 0.25, 0.4
#: Days for which nothing has happened on a quiet project.
LONG_AGO = 70


def make_clientele(env, clients, managers):
    """Create the clients and all that signals, lists and reports are made of; return
    how many records of each kind there are.

    :param clients: number of them; everything else is in proportion: ten orders and
        invoices each, ...
    :param managers: number of their account managers
    """
    # sudo: many of these records are not made by hand
    env = env(
        su=True,
        context={
            **env.context,
            "tracking_disable": True,
            "mail_notrack": True,
            "mail_create_nolog": True,
            "mail_create_nosubscribe": True,
        },
    )
    env["account.chart.template"].try_loading(
        "generic_coa", company=env.company, install_demo=False
    )
    clientele = _Clientele(env, clients, managers)
    env.flush_all()
    leave_out_foreign_keys(env)
    clientele.copy_people()
    clientele.copy_orders()
    clientele.copy_invoices()
    clientele.copy_projects()
    clientele.copy_promises()
    clientele.copy_changes()
    clientele.copy_past_signals()
    clientele.copy_past_runs()
    commit(env)
    return clientele.counts


def _chance(number, salt):
    """Return SQL of a number from 0 up to 1 that belongs to another one.

    :param salt: for chances of one number that have nothing to do with each other
    """
    return f"((hashint4((({number}) * 31 + {salt})::int) & 65535) / 65536.0)"


class _Clientele:
    """Copies of records; see :func:`copy_record` for what their SQL may use."""

    def __init__(self, env, clients, managers):
        self.env = env
        self.size = clients
        self.today = fields.Date.today()
        # {name: the id before its first copy}, {name: how many}
        self.before, self.counts = {}, {}
        self.managers = self._create_managers(managers)
        self.sample = self._create_samples()

    # ------------------------------------------------------------
    # SAMPLES
    # ------------------------------------------------------------

    def _create_managers(self, count):
        return self.env["res.users"].create(
            [
                {
                    "name": f"Manager {number}",
                    "login": f"manager_{number}",
                    "group_ids": [
                        Command.set(
                            self.env.ref("sales_team.group_sale_salesman_all_leads").ids
                        )
                    ],
                }
                for number in range(count)
            ]
        )

    def _create_samples(self):
        """Create one record of each model that is copied."""
        create = self._create
        company, today = self.env.company, self.today
        client = create("res.partner", name="Northern Light Retail", is_company=True)
        contact = create("res.partner", name="Ann Lee", parent_id=client.id)
        product = create(
            "product.product",
            name="Study",
            type="service",
            list_price=1000.0,
            taxes_id=[Command.clear()],
        )
        order = create(
            "sale.order",
            partner_id=client.id,
            order_line=[Command.create({"product_id": product.id})],
        )
        order.action_confirm()
        invoice, refund = (
            create(
                "account.move",
                move_type=kind,
                partner_id=client.id,
                invoice_date=today,
                invoice_line_ids=[
                    Command.create(
                        {"product_id": product.id, "quantity": 1, "tax_ids": []}
                    )
                ],
            )
            for kind in ("out_invoice", "out_refund")
        )
        (invoice | refund).action_post()
        project = create(
            "project.project",
            name="Brand tracker",
            partner_id=client.id,
            allow_timesheets=True,
            date_start=today - timedelta(days=LONG_AGO + 200),
        )
        task = create("project.task", name="Round", project_id=project.id)
        employee = create("hr.employee", name="Interviewer")
        portal = create(
            "res.users",
            name="Visitor",
            login="visitor",
            group_ids=[Command.set(self.env.ref("base.group_portal").ids)],
        )
        playbook = self.env.ref("retention_playbooks.playbook_onboarding")
        of_client = {"partner_id": client.id, "company_id": company.id}
        tiers = self.env["client.tier"].search([("company_id", "=", company.id)])
        return SimpleNamespace(
            client=client,
            contact=contact,
            order=order,
            order_line=order.order_line,
            invoice=invoice,
            invoice_line=invoice.invoice_line_ids,
            refund=refund,
            project=project,
            task=task,
            timesheet=create(
                "account.analytic.line",
                name="Interviews",
                project_id=project.id,
                task_id=task.id,
                employee_id=employee.id,
                unit_amount=1.0,
            ),
            message=create(
                "mail.message",
                model="project.task",
                res_id=task.id,
                body="How is it going?",
                message_type="comment",
            ),
            rating=create(
                "rating.rating",
                res_model_id=self.env["ir.model"]._get_id("project.task"),
                res_id=task.id,
                parent_res_model_id=self.env["ir.model"]._get_id("project.project"),
                parent_res_id=project.id,
                partner_id=client.id,
                rating=5,
                consumed=True,
            ),
            portal=portal,
            login=create("res.users.log"),
            lead=create("crm.lead", name="Study", partner_id=client.id),
            touchpoint=create(
                "client.touchpoint",
                **of_client,
                channel="call",
                year=2000,
                number=1,
                date_due=today,
                window_start=today,
                window_end=today,
                date_planned=today,
            ),
            change=create(
                "retention.contact.change",
                client_id=client.id,
                contact_id=contact.id,
                kind="left",
                name="Ann Lee",
            ),
            tiers=tiers,
            given=create("client.tier.assignment", **of_client, tier_id=tiers[0].id),
            tier_change=create(
                "client.tier.change",
                **of_client,
                old_tier_id=tiers[1].id,
                new_tier_id=tiers[0].id,
                kind="manual",
            ),
            signal=create(
                "retention.signal",
                **of_client,
                kind="complaint",
                state="expired",
                date_closed=today,
            ),
            run=create(
                "retention.run", **of_client, playbook_id=playbook.id, state="stopped"
            ),
            lot=create(
                "retention.lot", **of_client, playbook_id=playbook.id, date=today
            ),
            alone=create(
                "retention.holdout", **of_client, playbook_id=playbook.id, date=today
            ),
        )

    def _create(self, model, /, **values):
        return self.env[model].create(values)

    # ------------------------------------------------------------
    # CLIENTS
    # ------------------------------------------------------------

    def copy_people(self):
        """Clients with a person each, a tier, and sometimes a login to the portal."""
        managers = SQL(
            "(%s)[1 + number %% %s]", self.managers.ids, len(self.managers.ids)
        )
        self._copy(
            "client",
            self.size,
            commercial_partner_id=SQL("copy.id"),
            name=SQL("'Client ' || number"),
            complete_name=SQL("'Client ' || number"),
            user_id=managers,
        )
        owner = self._nth("client", "number")
        self._copy(
            "contact",
            self.size,
            parent_id=owner,
            commercial_partner_id=owner,
            name=SQL("'Person ' || number"),
            complete_name=SQL("'Client ' || number || ', Person ' || number"),
            user_id=managers,
            is_decision_maker=SQL("number %% 4 = 0"),
            # Mails to one of a hundred come back.
            message_bounce=SQL("CASE WHEN chance < 0.01 THEN 3 ELSE 0 END"),
        )
        self._copy(
            "given",
            self.size,
            partner_id=owner,
            tier_id=self._pick(self.sample.tiers, "chance * chance"),
            since=self._days_ago("500"),
        )
        self._copy(
            "tier_change",
            self.size * 3 // 2,
            partner_id=self._nth("client", f"1 + number %% {self.size}"),
            date=self._days_ago("100 + 1400 * chance"),
            old_tier_id=self._pick(self.sample.tiers, _chance("number", 1)),
            new_tier_id=self._pick(self.sample.tiers, _chance("number", 2)),
        )
        visitors = max(self.size // 50, 1)
        self._copy(
            "portal",
            visitors,
            login=SQL("'visitor ' || number"),
            partner_id=self._nth("contact", "number * 7"),
        )
        self._copy(
            "login",
            visitors * 20,
            create_uid=self._nth("portal", f"1 + number %% {visitors}"),
            create_date=self._days_ago("700 * chance"),
        )

    # ------------------------------------------------------------
    # PURCHASES
    # ------------------------------------------------------------

    def copy_orders(self):
        """Orders at the rhythm of each client, entered in the order of time."""
        count = self.size // len(ORDERS) * sum(ORDERS)
        client = f"(number - 1) / {sum(ORDERS)} * {len(ORDERS)} + place.client"
        past = _chance("client", 1)
        gap = f"LEAST(1500.0 / orders, 45 + 150 * {_chance('client', 2)})"
        some = _chance("client", 3)
        silence = f"""
            CASE WHEN {past} < {LOST} THEN 731 + 600 * {some}
                 WHEN {past} < {LOST + LAPSED} THEN 366 + 360 * {some}
                 WHEN {past} < {LOST + LAPSED + BROKEN} THEN LEAST(360, 40 + 3 * {gap})
                 ELSE {gap} * {some} END
        """
        less = f"days < 365 AND {_chance('client', 4)} < {SHRINKING}"
        amount = f"""
            ROUND((300 + 100000.0 / (10 + client %% 1000))
                  * (0.9 + 0.2 * chance)::numeric
                  * CASE WHEN {less} THEN 0.3 ELSE 1 END, 2)
        """
        source = SQL(
            f"""
            WITH place AS (
                SELECT client, orders, turn,
                       row_number() OVER (ORDER BY client, turn) - 1 AS place
                  FROM unnest(%(orders)s) WITH ORDINALITY AS rhythm (orders, client)
                 CROSS JOIN LATERAL generate_series(0, orders - 1) AS turn
            ), numbered AS (
                SELECT id, number, chance, {client} AS client, orders, turn
                  FROM copy JOIN place
                    ON place.place = (number - 1) %% {sum(ORDERS)}
            ), dated AS (
                SELECT *, GREATEST(0, {silence} + {gap} * (turn + 0.2 * (chance - 0.5))
                       )::int AS days
                  FROM numbered
            )
            SELECT id - number + row_number() OVER (ORDER BY days DESC, number) AS id,
                   number, chance, client, days, {amount} AS amount
              FROM dated
            """,
            orders=list(ORDERS),
        )
        # Three of ten are in the name of the client's person.
        partner = SQL(
            "CASE WHEN chance < 0.3 THEN %s ELSE %s END",
            self._nth("contact", "client"),
            self._nth("client", "client"),
        )
        self._copy(
            "order",
            count,
            source,
            name=SQL("'S' || number"),
            partner_id=partner,
            partner_invoice_id=partner,
            partner_shipping_id=partner,
            date_order=self._days_ago("days"),
            amount_untaxed=SQL("amount"),
            amount_total=SQL("amount"),
        )
        self._copy(
            "order_line",
            count,
            order_id=self._nth("order", "number"),
            order_partner_id=SQL("NULL"),
        )

    def copy_invoices(self):
        """An invoice of each order, one of ten without saying so; some credit notes."""
        orders = self.counts["order"]
        source = SQL(
            """
            SELECT copy.*, sale.partner_id, partner.commercial_partner_id,
                   sale.date_order::date AS day, sale.amount_untaxed
              FROM copy
              JOIN sale_order sale ON sale.id = %s
              JOIN res_partner partner ON partner.id = sale.partner_id
            """,
            self._nth("order", "copy.number"),
        )
        unpaid = SQL("chance < %s", UNPAID)
        self._copy_moves(
            "invoice",
            orders,
            source,
            SQL("copy.amount_untaxed"),
            unpaid=unpaid,
            invoice_date_due=SQL("copy.day + 30"),
        )
        self._copy(
            "invoice_line",
            orders,
            move_id=self._nth("invoice", "number"),
        )
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO sale_order_line_invoice_rel (order_line_id, invoice_line_id)
                SELECT %s, %s FROM generate_series(1, %s) AS number
                 WHERE number %% 10 > 0
                """,
                self._nth("order_line", "number"),
                self._nth("invoice_line", "number"),
                orders,
            )
        )
        source = SQL(
            """
            SELECT copy.*, move.partner_id, move.commercial_partner_id,
                   LEAST(move.invoice_date + 20, %s) AS day, move.amount_untaxed
              FROM copy
              JOIN account_move move ON move.id = %s
            """,
            self.today,
            self._nth("invoice", "copy.number * 100"),
        )
        self._copy_moves(
            "refund",
            orders // 100,
            source,
            SQL("-copy.amount_untaxed / 2"),
            unpaid=SQL("FALSE"),
        )

    def _copy_moves(self, name, count, source, signed, unpaid, **values):
        residual = SQL("CASE WHEN %s THEN %s ELSE 0 END", unpaid, signed)
        amount = SQL("abs(%s)", signed)
        self._copy(
            name,
            count,
            source,
            **{
                "name": SQL("%s || number", f"{name}/"),
                "partner_id": SQL("copy.partner_id"),
                "partner_shipping_id": SQL("copy.partner_id"),
                "commercial_partner_id": SQL("copy.commercial_partner_id"),
                "date": SQL("copy.day"),
                "invoice_date": SQL("copy.day"),
                "invoice_date_due": SQL("copy.day"),
                "amount_untaxed": amount,
                "amount_total": amount,
                "amount_untaxed_signed": signed,
                "amount_total_signed": signed,
                "amount_residual": SQL("abs(%s)", residual),
                "amount_residual_signed": residual,
                "payment_state": SQL(
                    "CASE WHEN %s THEN 'not_paid' ELSE 'paid' END", unpaid
                ),
                **values,
            },
        )

    # ------------------------------------------------------------
    # PROJECTS
    # ------------------------------------------------------------

    def copy_projects(self):
        """Projects that are worked on or not, tickets that are closed or not, contracts
        that have ended or not; with their tasks, timesheets, messages, ratings."""
        running, support, contracts = (
            self.size // share for share in (RUNNING, SUPPORT, CONTRACT)
        )
        old = self._days_ago(f"{LONG_AGO} + 200 * chance")
        for name, count, share, values in (
            ("running", running, RUNNING, {}),
            ("support", support, SUPPORT, {"is_support": True}),
            (
                "contract",
                contracts,
                CONTRACT,
                {
                    "is_contract": True,
                    "date": self._days_ago("300 * (chance - 0.5)"),
                },
            ),
        ):
            # Contracts are of clients without another project.
            place = f"1 + number * {share} %% {self.size}"
            self._copy(
                "project",
                count,
                name_of=name,
                partner_id=self._nth(
                    "client", place if name != "contract" else f"2 + {place[4:]}"
                ),
                create_date=old,
                date_start=old,
                **values,
            )
        self._copy(
            "task",
            running * 5,
            project_id=self._nth("running", f"1 + number %% {running}"),
            partner_id=SQL("NULL"),
            create_date=old,
            date_last_stage_update=old,
        )
        # A ticket every two weeks; of some projects the last ones are all still open.
        turn = f"(number / {support})"
        piled = _chance(f"number %% {support}", 5)
        self._copy(
            "task",
            support * 20,
            name_of="ticket",
            project_id=self._nth("support", f"1 + number %% {support}"),
            partner_id=SQL("NULL"),
            create_date=self._days_ago(f"14 * {turn} + 10 * chance"),
            date_last_stage_update=self._days_ago(f"14 * {turn}"),
            date_deadline=self._days_ago(f"14 * {turn} - 20"),
            state=SQL(
                f"CASE WHEN {turn} < CASE WHEN {piled} < {PILED} THEN 8 ELSE 1 END "
                "THEN '01_in_progress' ELSE '1_done' END"
            ),
        )
        quiet = _chance(f"number %% {running}", 6)
        self._copy(
            "timesheet",
            running * 25,
            project_id=self._nth("running", f"1 + number %% {running}"),
            task_id=self._nth("task", f"1 + number %% {running}"),
            partner_id=SQL("NULL"),
            date=self._days_ago(
                f"72 - number / {running} * 3 "
                f"+ CASE WHEN {quiet} < {QUIET} THEN {LONG_AGO} ELSE 0 END"
            ),
        )
        self._copy(
            "message",
            running * 10,
            res_id=self._nth("task", f"1 + number %% {running * 5}"),
            date=old,
        )
        self._copy(
            "message",
            self.size // 30,
            name_of="complaint",
            model="res.partner",
            res_id=self._nth("client", "number * 29"),
            body=SQL("'<p>Nobody has answered for a week.</p>'"),
            date=self._days_ago("100 * chance"),
            complaint_partner_id=self._nth("client", "number * 29"),
            complaint_company_id=self.env.company.id,
        )
        self._copy(
            "rating",
            self.size // 2,
            partner_id=self._nth("contact", "number * 2"),
            rating=SQL(f"CASE WHEN {_chance('number', 7)} < 0.15 THEN 1 ELSE 5 END"),
            rated_on=self._days_ago("730 * chance"),
        )

    # ------------------------------------------------------------
    # PROMISES AND CHANGES
    # ------------------------------------------------------------

    def copy_promises(self):
        """Four touchpoints of each client: three kept, one to come or forgotten."""
        turn, client = f"(number / {self.size})", f"1 + number %% {self.size}"
        late = f"{_chance(client, 8)} < {FORGOTTEN}"
        day = self._days_ago(
            f"CASE WHEN {turn} < 3 THEN 90 * (3 - {turn}) + 90 * chance "
            f"WHEN {late} THEN 60 * chance ELSE -90 * chance - 1 END"
        )
        self._copy(
            "touchpoint",
            self.size * 4 - 1,
            partner_id=self._nth("client", client),
            year=SQL(f"2000 + {turn}"),
            number=1,
            date_due=day,
            window_start=day,
            window_end=day,
            date_planned=day,
            state=SQL(f"CASE WHEN {turn} < 3 THEN 'done' ELSE 'planned' END"),
            is_open=SQL(f"{turn} >= 3"),
            date_done=SQL(f"CASE WHEN {turn} < 3 THEN %s END", day),
        )

    def copy_changes(self):
        """People who have come and gone, and opportunities that were lost."""
        self._copy(
            "change",
            self.size // 5,
            client_id=self._nth("client", "number * 5"),
            contact_id=self._nth("contact", "number * 5"),
            date=self._days_ago("365 * chance"),
        )
        lost = "chance < 0.02"
        self._copy(
            "lead",
            self.size // 2,
            partner_id=self._nth("client", "number * 2"),
            client_lost=SQL(lost),
            active=SQL(f"NOT ({lost})"),
            client_lost_reason_id=SQL(
                f"CASE WHEN {lost} THEN %s END", self._pick(self._reasons(), "chance")
            ),
            date_closed=self._days_ago("100 * chance"),
        )

    def copy_past_signals(self):
        """Three signals of each client that are over, one of ten of them handled."""
        kinds = [kind for kind, _label in self.sample.signal._fields["kind"].selection]
        day = self._days_ago("60 + 900 * chance")
        self._copy(
            "signal",
            self.size * 3,
            partner_id=self._nth("client", f"1 + number %% {self.size}"),
            user_id=self._pick(self.managers, "chance"),
            kind=self._pick(kinds, _chance("number", 9)),
            state=SQL("CASE WHEN number %% 10 = 0 THEN 'handled' ELSE 'expired' END"),
            facts=SQL("""'{"cause": "opportunity"}'::jsonb"""),
            reason_id=self._pick(self._reasons(), _chance("number", 10)),
            revenue=SQL("1000 * chance"),
            date_open=day,
            date_closed=SQL("%s + 30", day),
        )

    # ------------------------------------------------------------
    # PLAYBOOKS
    # ------------------------------------------------------------

    def copy_past_runs(self):
        """Runs that have ended, half of them drawn by lot, and clients left alone."""
        offers = self.env["retention.offer"].search([])
        playbooks = self.env["retention.playbook"].search([])
        for place, playbook in enumerate(playbooks):
            count = self.size // 2 // len(playbooks)
            client = self._nth(
                "client", f"1 + (number * 7 + {place * count}) %% {self.size}"
            )
            started = self._days_ago("100 + 900 * chance")
            win_back = playbook.kind == "win_back"
            self._copy(
                "run",
                count,
                playbook_id=playbook.id,
                kind=playbook.kind,
                partner_id=client,
                user_id=self._pick(self.managers, "chance"),
                state=SQL("(ARRAY['won', 'lost', 'lost', 'stopped'])[1 + number %% 4]"),
                started_on=started,
                ended_on=SQL("%s + 1 + number %% 60", started),
                reason_id=self._pick(self._reasons(), _chance("number", 11)),
                offer_id=self._pick(offers, _chance("number", 12))
                if win_back
                else SQL("NULL"),
            )
            self._copy(
                "lot",
                count // 2,
                playbook_id=playbook.id,
                partner_id=client,
                run_id=self._nth("run", "number"),
                date=started,
            )
            self._copy(
                "alone",
                count // 4,
                playbook_id=playbook.id,
                partner_id=self._nth(
                    "client", f"1 + (number * 7 + {place * count} + 3) %% {self.size}"
                ),
                date=started,
            )

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _reasons(self):
        return self.env["retention.lost.reason"].search([])

    def _copy(self, name, count, /, source=None, name_of=None, **values):
        """Insert copies of a sample.

        :param name_of: under which they are known, by default that of the sample
        """
        known = name_of or name
        self.before[known] = copy_record(
            self.env, getattr(self.sample, name), count, source, **values
        )
        self.counts[known] = self.counts.get(known, 0) + count

    def _nth(self, name, number):
        """Return SQL of the id of a copy.

        :param number: SQL, which one, from 1
        """
        return SQL(f"(%s + ({number}))", self.before[name])

    def _pick(self, choices, chance):
        """Return SQL of one of some texts, or of the id of one of some records.

        :param chance: SQL of a number from 0 up to 1
        """
        values = choices if isinstance(choices, list) else choices.ids
        return SQL(f"(%s)[1 + FLOOR({len(values)} * {chance})::int]", values)

    def _days_ago(self, days):
        """Return SQL of a day.

        :param days: SQL of how many days ago it was
        """
        return SQL(f"(%s::date - ({days})::int)", self.today)
