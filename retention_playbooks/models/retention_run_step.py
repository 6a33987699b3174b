import logging
from collections import Counter
from datetime import timedelta

from markupsafe import Markup
from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

from .retention_playbook_step import STEP_KINDS
from .retention_signal import NOBODY

_logger = logging.getLogger(__name__)

#: Activity types, unless the step names one, by kind of step.
ACTIVITY_TYPES = {
    "activity": "mail.mail_activity_data_call",
    "mail": "mail.mail_activity_data_email",
}

#: How mails to clients look: nothing of the playbook shows.
LAYOUT = "retention_playbooks.mail_layout"


class RetentionRunStep(models.Model):
    """One step of one run: what became of it.

    ``failed`` means that the run waits for somebody: he does it, offers it again or
    leaves it out.
    """

    _name = "retention.run.step"
    _description = "Step of a Run"
    _order = "sequence, id"
    _rec_name = "step_name"

    run_id = fields.Many2one(
        comodel_name="retention.run",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True, ondelete="cascade"
    )
    partner_id = fields.Many2one(related="run_id.partner_id", string="Client")
    contact_id = fields.Many2one(related="run_id.contact_id")
    reason_id = fields.Many2one(
        related="run_id.reason_id", string="Reason for Leaving", readonly=False
    )
    asks_reason = fields.Boolean(related="run_id.asks_reason")
    step_id = fields.Many2one(
        comodel_name="retention.playbook.step",
        string="Step of the Playbook",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    step_name = fields.Char(string="Name at the Start", required=True, readonly=True)
    name = fields.Char(string="Step", compute="_compute_name")
    note = fields.Html(related="step_id.note", string="Instructions")
    kind = fields.Selection(selection=STEP_KINDS, required=True, readonly=True)
    sequence = fields.Integer(readonly=True)
    state = fields.Selection(
        selection=[
            ("waiting", "Later"),
            ("open", "To Do"),
            ("done", "Done"),
            ("skipped", "Left Out"),
            ("failed", "Failed"),
        ],
        required=True,
        readonly=True,
        default="waiting",
    )
    since = fields.Date(
        readonly=True, help="When the step before was done: events count from then on."
    )
    date_due = fields.Date(string="Due", readonly=True)
    date_until = fields.Date(string="Waits Until", readonly=True)
    date_done = fields.Date(string="Done On", readonly=True)
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Responsible",
        readonly=True,
        ondelete="set null",
        falsy_value_label=NOBODY,
    )
    activity_id = fields.Many2one(
        comodel_name="mail.activity",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    message_id = fields.Many2one(
        comodel_name="mail.message",
        string="Mail",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    can_mail = fields.Boolean(
        compute="_compute_can_mail", help="The mail can be edited and sent."
    )
    remark = fields.Char(
        readonly=True, help="Why it failed, was left out or offered to you."
    )
    feedback = fields.Text(readonly=True)
    answer_ids = fields.One2many(
        comodel_name="retention.run.answer",
        inverse_name="run_step_id",
        string="Talk List",
    )

    _step_uniq = models.Constraint(
        "UNIQUE(run_id, step_id)", "The run has this step already."
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("step_id.name", "step_name")
    @api.depends_context("lang")
    def _compute_name(self):
        for step in self:
            # sudo: the steps of a playbook are no secret to who is in it
            step.name = step.step_id.sudo().name or step.step_name

    @api.depends("name")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for step in self:
            step.display_name = step.name

    @api.depends("kind", "state", "contact_id")
    def _compute_can_mail(self):
        steps = self.filtered(
            lambda step: (
                step.kind == "mail"
                and step.state in ("open", "failed")
                and step.step_id.template_id
            )
        )
        # sudo: whether an address is blacklisted
        contacts = steps.sudo().run_id.contact_id
        refused = self.env["res.partner"].sudo()._get_unmailable(contacts)
        for step in self:
            run = step.sudo().run_id
            contact = run.contact_id
            step.can_mail = (
                step in steps
                and contact
                and contact.commercial_partner_id == run.partner_id
                and contact.id not in refused
            )

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        """Bring their clients up to date on the list of the week."""
        steps = super().create(vals_list)
        steps.run_id._mark_clients()
        return steps

    def write(self, vals):
        """Let account managers answer the talk list, and choose the reason, only.

        :raises AccessError: somebody who is no Sales administrator writes anything else
        """
        if (
            vals.keys() - {"answer_ids", "reason_id"}
            and not self.run_id._is_administered()
        ):
            raise AccessError(
                self.env._(
                    "Steps are written by their playbook. Use the buttons to say what "
                    "became of one."
                )
            )
        result = super().write(vals)
        if vals.keys() & {"state", "date_due"}:
            self.run_id._mark_clients()
        return result

    def unlink(self):
        self.run_id._mark_clients()
        return super().unlink()

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_done(self, note=None):
        """Mark open or failed steps as done, with their activities.

        :param note: what came of it, beside the answers of the talk list
        """
        steps = self._get_for_action(("open", "failed"))
        today = self.run_id._get_today()
        activities = steps.activity_id.filtered("active")
        if activities:
            # The activity is done by whoever presses the button; sudo: it may be that
            # of a colleague.
            activities.with_env(self.env).sudo()._action_done(
                feedback="\n".join(filter(None, (note, steps._get_answers_text())))
            )
        steps.filtered(lambda step: step.state != "done")._note_done(today)
        return True

    def action_skip(self):
        """Leave open, failed or later steps out."""
        steps = self._get_for_action(("open", "failed", "waiting"))
        activities = steps.activity_id.filtered("active")
        steps._close("skipped", self.run_id._get_today())
        steps.remark = self.env._("Left out by %s.", self.env.user.name)
        activities.with_context(retention_job=True).unlink()
        steps.run_id._advance()
        return True

    def action_offer_again(self):
        """Open failed steps again."""
        steps = self._get_for_action(("failed",))
        steps.activity_id.filtered("active").with_context(retention_job=True).unlink()
        steps.write({"state": "waiting", "activity_id": False, "remark": False})
        steps.run_id._advance()
        return True

    def action_send(self):
        """Open the mail of this step to edit and send it.

        :raises UserError: the contact is blacklisted, has opted out or has no address
        """
        self.ensure_one()
        self.check_access("write")
        if not self.can_mail:
            raise UserError(self.env._("No mail can be sent to this contact."))
        run = self.run_id
        return {
            "type": "ir.actions.act_window",
            "name": self.name,
            "res_model": "mail.compose.message",
            "views": [(False, "form")],
            "target": "new",
            "context": {
                "default_model": run._name,
                "default_res_ids": run.ids,
                "default_template_id": self.step_id.template_id.id,
                "default_composition_mode": "comment",
                "default_email_layout_xmlid": LAYOUT,
                "force_email": True,
                "retention_run_step": self.id,
            },
        }

    def _get_for_action(self, states):
        """Return those of these steps that are in a state, to be written by a
        button; the run must be running."""
        self.check_access("write")
        self.run_id.check_access("write")
        # sudo: buttons write fields that are not written by hand
        steps = self.sudo().with_context(**self.run_id._get_quiet_context())
        return steps.filtered(
            lambda step: step.state in states and step.run_id.state == "running"
        )

    # ------------------------------------------------------------
    # OPENING, one method per kind
    # ------------------------------------------------------------

    def _open_activity(self, days):
        """Schedule the activities of these steps on their clients, with the talk
        list."""
        self._create_answers()
        self._schedule()

    def _open_mail(self, days):
        """Send the mails of these steps, or offer them to the account manager: as the
        step says, and where the contact must not or cannot be mailed."""
        refused = self.env["res.partner"]._get_unmailable(self.run_id.contact_id)
        sent = self._count_sent()
        offered = self.browse()
        for step in self:
            contact = step.run_id.contact_id
            if not contact:
                step.remark = self.env._("There is nobody to write to.")
            elif contact.commercial_partner_id != step.run_id.partner_id:
                step.remark = self.env._(
                    "%s has left the client: choose another contact.", contact.name
                )
            elif contact.id in refused:
                step.remark = self.env._(
                    "%s Reach the client in another way.", refused[contact.id]
                )
            elif step.step_id.send_mode == "auto":
                key, limit = step._get_sent_key(), step.company_id.retention_mail_limit
                sent[key] += 1
                if not limit or sent[key] <= limit:
                    continue
                step.remark = self.env._(
                    "The client has got %s automatic mails within a month: is this "
                    "one needed?",
                    sent[key] - 1,
                )
            offered |= step
        (self - offered)._send()
        offered._schedule()

    def _count_sent(self):
        """Return how many mails the clients of these steps were sent by playbooks
        within a month, as a counter of :meth:`_get_sent_key`."""
        since = self.run_id._get_today() - timedelta(days=30)
        groups = self._read_group(
            self._get_sent_domain() & Domain("date_done", ">", since),
            ["run_id.partner_id", "company_id"],
            ["__count"],
        )
        return Counter(
            {(client.id, company.id): count for client, company, count in groups}
        )

    def _find_last_sent(self):
        """Return {:meth:`_get_sent_key`: day of the last mail that a playbook sent to
        the client} of these steps."""
        if not self:
            return {}
        groups = self._read_group(
            self._get_sent_domain(),
            ["run_id.partner_id", "company_id"],
            ["date_done:max"],
        )
        return {(client.id, company.id): day for client, company, day in groups}

    def _get_sent_domain(self):
        """Return the domain of the mails that playbooks have sent to the clients of
        these steps."""
        return Domain(
            [
                ("kind", "=", "mail"),
                ("state", "=", "done"),
                ("message_id", "!=", False),
                ("company_id", "in", self.company_id.ids),
                ("run_id.partner_id", "in", self.run_id.partner_id.ids),
            ]
        )

    def _get_sent_key(self):
        return self.run_id.partner_id.id, self.company_id.id

    def _sends_by_itself(self):
        """Return whether the step is a mail that nobody looks at before."""
        return self.kind == "mail" and self.step_id.send_mode == "auto"

    def _get_mail_day(self, day, work, quiet):
        """Return the day on which an automatic mail goes out: a working day that is far
        enough from the last one.

        :param day: on which it is due, today at the earliest
        :param work: :class:`WorkDays` of the company
        :param quiet: what :meth:`_find_last_sent` gave
        """
        last = quiet.get(self._get_sent_key())
        if last:
            length = timedelta(days=self.company_id.retention_mail_quiet_days)
            day = max(day, last + length)
        return work.add(day, 0)

    def _open_quotation(self, days):
        """Draft the quotations that suit the reasons; where nothing can be offered, the
        step fails."""
        offers = {
            step: step.step_id.offer_ids._choose(
                step.run_id.reason_id, step.run_id.company_id
            )
            for step in self
        }
        failed = {}
        for (offer, _company), steps in self.grouped(
            lambda step: (offers[step], step.company_id)
        ).items():
            if not offer:
                remark = self.env._("No offer suits the reason of the client.")
                failed |= dict.fromkeys(steps, remark)
                continue
            lines = offer._find_lines(steps.run_id)
            without = steps.filtered(lambda one, some=lines: one.run_id.id not in some)
            remark = self.env._(
                "The client has not ordered anything yet: choose a template."
            )
            failed |= dict.fromkeys(without, remark)
            errors = (steps - without)._try(
                lambda some, offer=offer, lines=lines: some._make_quotations(
                    offer, lines
                )
            )
            failed |= {step: str(error) for step, error in errors.items()}
        self._fail_each(failed)

    def _open_dossier(self, days):
        """Draft the dossiers."""
        errors = self._try(lambda steps: steps._make_dossiers())
        self._fail_each({step: str(error) for step, error in errors.items()})

    def _open_wait(self, days):
        """Begin to wait."""
        today = self.run_id._get_today()
        for step in self:
            work = days[step.company_id]
            step.write(
                {
                    "state": "open",
                    "date_until": work.add(today, step.step_id.wait_days),
                }
            )
        self.run_id._see_open_steps()

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _schedule(self):
        """Create the activities of these steps, in the language of who does them."""
        users = self._get_assignees()
        # Activities name their client one by one: here they are read at once.
        self.run_id.partner_id.mapped("display_name")
        model_id = self.env["ir.model"]._get_id("res.partner")
        for lang, steps in self.grouped(lambda step: users[step.id].lang).items():
            steps = steps.with_context(lang=lang or self.env.lang)
            activities = (
                self.env["mail.activity"]
                .with_context(**self.run_id._get_quiet_context())
                .create(
                    [step._prepare_activity(model_id, users[step.id]) for step in steps]
                )
            )
            for step, activity in zip(steps, activities, strict=True):
                step.write(
                    {
                        "state": "failed" if step.state == "failed" else "open",
                        "activity_id": activity.id,
                        "user_id": users[step.id].id,
                    }
                )

    def _prepare_activity(self, model_id, user):
        """Return the values of the activity of one step.

        :param model_id: id of the ``ir.model`` of clients
        :param user: ``res.users`` who does it, may be empty
        """
        kind = self.step_id.activity_type_id.id or self.env[
            "ir.model.data"
        ]._xmlid_to_res_id(
            ACTIVITY_TYPES.get(self.kind, "mail.mail_activity_data_todo")
        )
        return {
            "res_model_id": model_id,
            "res_id": self.run_id.partner_id.id,
            "activity_type_id": kind,
            "summary": self._get_summary(),
            "note": self._get_note(),
            "date_deadline": max(
                self.date_due or self.run_id._get_today(), self.run_id._get_today()
            ),
            "user_id": user.id,
            "automated": True,
        }

    def _get_summary(self):
        return f"{self.run_id.playbook_id.name}: {self.step_id.name or self.step_name}"

    def _get_note(self):
        """Return what the activity tells: whom to address, why, the instructions and
        the talk list, and where to answer it."""
        run = self.run_id
        parts = []
        if self.remark:
            parts.append(Markup("<p><b>%s</b></p>") % self.remark)
        contact = run.contact_id
        if contact and contact != run.partner_id:
            details = filter(None, (contact.name, contact.function, contact.phone))
            parts.append(Markup("<p>%s</p>") % ", ".join(details))
        if run.signal_id.explanation:
            parts.append(Markup("<p>%s</p>") % run.signal_id.explanation)
        parts.append(self.step_id.note or "")
        if self.answer_ids:
            points = [Markup("<li>%s</li>") % answer.name for answer in self.answer_ids]
            parts.append(Markup("<ul>%s</ul>") % Markup("").join(points))
        parts.append(
            Markup("<p>%s</p>")
            % run._get_html_link(self.env._("Open the playbook of this client"))
        )
        return Markup("").join(parts)

    def _get_assignees(self):
        """Return {step id: ``res.users`` who does it}; the account manager where there
        is nobody in the role, and a remark that says so."""
        projects = self._get_project_managers()
        found = {}
        for step in self:
            run, role = step.run_id, step.step_id.user_role
            manager = run.user_id
            user = {
                "director": run.company_id._get_director()
                or manager.crm_team_ids.user_id[:1],
                "project": projects.get(run.partner_id.id),
                "user": step.step_id.user_id,
            }.get(role)
            if user and (not user.active or run.company_id not in user.company_ids):
                user = None
            found[step.id] = user or manager
            if not user and role != "manager" and not step.remark:
                labels = dict(
                    step.step_id._fields["user_role"]._description_selection(self.env)
                )
                step.remark = self.env._(
                    "%s: there is nobody, the account manager does it.",
                    labels.get(role),
                )
        return found

    def _get_project_managers(self):
        """Return {client id: manager of its latest project}, where a step needs it."""
        steps = self.filtered(lambda step: step.step_id.user_role == "project")
        if not steps:
            return {}
        projects = self.env["project.project"].search(
            [
                ("partner_id.commercial_partner_id", "in", steps.partner_id.ids),
                ("company_id", "in", (*steps.company_id.ids, False)),
                ("is_template", "=", False),
                ("user_id", "!=", False),
            ],
            order="date_start, id",
        )
        return {
            project.partner_id.commercial_partner_id.id: project.user_id
            for project in projects
        }

    def _create_answers(self):
        """Give these steps their talk lists to be answered."""
        self.env["retention.run.answer"].create(
            [
                {
                    "run_step_id": step.id,
                    "question_id": question.id,
                    "sequence": number,
                    "name": question.name,
                    "kind": question.kind,
                }
                for step in self
                if not step.answer_ids
                for number, question in enumerate(
                    step.step_id.with_context(
                        lang=step.run_id.user_id.lang or self.env.lang
                    ).question_ids
                )
            ]
        )

    def _send(self):
        """Send the mails of these steps from their templates; those that cannot be made
        fail."""
        failed = {}
        for template, steps in self.grouped(
            lambda one: one.step_id.template_id
        ).items():
            errors = steps._try(
                lambda some, template=template: some._send_template(template)
            )
            # What Odoo says of a template is a page long.
            failed |= {
                step: self.env._(
                    "The mail could not be made from %(template)s: %(error)s",
                    template=template.name,
                    error=_get_cause(error),
                )
                for step, error in errors.items()
            }
        self._fail_each(failed)

    def _send_template(self, template):
        by_run = {step.run_id.id: step for step in self}
        mails = template.send_mail_batch(
            list(by_run),
            email_values={"auto_delete": False},
            email_layout_xmlid=LAYOUT,
        )
        for mail in mails:
            by_run[mail.res_id]._note_sent(mail.mail_message_id, advance=False)

    def _make_quotations(self, offer, lines):
        """Draft the quotations of these steps.

        :param offer: ``retention.offer``, the same for all
        :param lines: what its :meth:`_find_lines` gave
        :raises UserError: one of them cannot be made
        """
        drafts = offer._create_quotations(self.run_id, lines)
        today = self.run_id._get_today()
        for step in self:
            run = step.run_id
            order, coupon = drafts[run.id]
            run.write(
                {"order_id": order.id, "offer_id": offer.id, "coupon_id": coupon.id}
            )
            step.write({"state": "done", "date_done": today, "remark": order.name})

    def _make_dossiers(self):
        """Draft the dossiers of these steps."""
        # Each of them is checked to be a client: they are read at once.
        self.run_id.partner_id.fetch(["commercial_partner_id"])
        dossiers = self.env["client.value.dossier"].create(
            [step._prepare_dossier() for step in self]
        )
        for step, dossier in zip(self, dossiers, strict=True):
            step.run_id.dossier_id = dossier
        self._close("done", self.run_id._get_today())

    def _prepare_dossier(self):
        run = self.run_id
        contact = run.contact_id
        return {
            "partner_id": run.partner_id.id,
            "recipient_id": contact.id if contact != run.partner_id else False,
            "purpose": self.step_id.dossier_purpose,
            "company_id": run.company_id.id,
            "user_id": (run.user_id or self.env.user).id,
        }

    def _try(self, make):
        """Do what may be impossible with the data of a client: for all of these steps
        at once; if that fails, for each half of them, and so on.

        :param make: function of some of these steps; what it did is undone if it fails
        :returns: {step: exception} of those for which it failed
        """
        if not self:
            return {}
        try:
            with self.env.cr.savepoint():
                make(self)
            return {}
        except OperationalError:
            # Two jobs got in each other's way: the next one does it.
            raise
        except Exception as error:  # noqa: BLE001
            # Whatever is wrong with this one, the other runs go on.
            if len(self) == 1:
                _logger.info("Step %s of run %s: %s", self.id, self.run_id.id, error)
                return {self: error}
        half = len(self) // 2
        return self[:half]._try(make) | self[half:]._try(make)

    # ------------------------------------------------------------
    # WHAT BECAME OF THEM
    # ------------------------------------------------------------

    def _close(self, state, day):
        self.write({"state": state, "date_done": day})

    def _fail(self, remark):
        """Let these steps fail, and tell the account managers."""
        self.write({"state": "failed", "remark": remark})
        self.run_id.write({"attention": True})
        self.run_id._notify_owners(
            lambda env: env._("A playbook waits for you"), lambda run: remark
        )

    @api.model
    def _fail_each(self, remarks):
        """Let steps fail; who is told of several with the same remark is told once.

        :param remarks: {step: remark}
        """
        found = {}
        for step, remark in remarks.items():
            found[remark] = found.get(remark, step) | step
        for remark, steps in found.items():
            steps._fail(remark)

    def _note_done(self, day, feedback=False):
        """Close these steps, and let their runs go on.

        :param feedback: what was written when the activity was done
        """
        # What was wrong with it is not any more.
        self.filtered(lambda step: step.state == "failed").remark = False
        self._close("done", day)
        if feedback:
            self.feedback = feedback
        self.run_id._advance()

    def _note_met(self):
        """The meeting that ends the runs was held: those of these steps that ask for
        one are done. Their talk lists can still be answered."""
        steps = self.filtered(
            lambda step: (
                step.state in ("open", "failed")
                and step.activity_id.activity_category == "meeting"
            )
        )
        activities = steps.activity_id.filtered("active")
        activities.with_context(retention_job=True)._action_done()
        steps._close("done", self.run_id._get_today())

    def _note_deleted(self):
        """The activities of these steps were deleted: nobody does them now."""
        steps = self.filtered(lambda step: step.run_id.state == "running")
        steps._fail(self.env._("The activity was deleted by %s.", self.env.user.name))

    def _note_sent(self, message, advance=True):
        """The mail of this step was sent, as this message."""
        today = self.run_id._get_today()
        activity = self.activity_id.filtered("active")
        # What was wrong with it is not any more.
        values = {"state": "done", "date_done": today, "remark": False}
        self.write({"message_id": message.id, **values})
        if activity:
            activity.with_context(retention_job=True)._action_done()
        self._note_quotation_sent(message)
        if advance:
            self.run_id._advance()

    def _note_quotation_sent(self, message):
        """A mail that links to the quotation of its run sends it."""
        # sudo: whoever sends the mail may send the quotation with it
        order = self.run_id.sudo().order_id
        token = order.access_token
        if order.state == "draft" and token and token in (message.body or ""):
            order.action_quotation_sent()

    def _note_bounced(self, email):
        """The last mail of these steps came back."""
        sent = self.filtered(lambda step: step.message_id and step.state == "done")
        sent.sorted("id")[-1:]._note_undelivered(
            self.env._("The mail to %s came back.", email)
        )

    def _note_mail_errors(self):
        """Let steps fail whose mail could not be sent."""
        sent = self.filtered(
            lambda step: (
                step.kind == "mail" and step.state == "done" and step.message_id
            )
        )
        mails = self.env["mail.mail"].search(
            [
                ("mail_message_id", "in", sent.message_id.ids),
                ("state", "=", "exception"),
            ]
        )
        broken = {mail.mail_message_id: mail.failure_reason for mail in mails}
        for step in sent.filtered(lambda step: step.message_id in broken):
            step._note_undelivered(
                self.env._(
                    "The mail could not be sent: %s", broken[step.message_id] or ""
                )
            )

    def _note_undelivered(self, remark):
        """Ask the account managers to reach these clients in another way."""
        steps = self.filtered(lambda step: step.run_id.state == "running")
        # The message is done with: it must not fail again.
        steps.write({"message_id": False, "date_done": False})
        steps._fail(remark)
        steps._schedule()

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _get_since(self, closed_on, blocked, events):
        """Return the day from which the delay of this step counts; None while it is not
        known.

        :param closed_on: when the step before was closed
        :param blocked: whether it is not closed yet
        :param events: {event: {run id: day}}
        """
        step = self.step_id
        if step.delay_from == "start":
            return self.run_id.started_on.date()
        if step.delay_from == "event":
            return events.get(step.delay_event, {}).get(self.run_id.id)
        return None if blocked else closed_on

    def _get_unmet_condition(self):
        """Return why this step is not for the client, or False."""
        step, run = self.step_id, self.run_id
        if not step:
            return self.env._("The playbook has lost this step.")
        if step.tier_ids and run.tier_id not in step.tier_ids:
            return self.env._("Not for this tier.")
        if step.reason_ids and run.reason_id not in step.reason_ids:
            return self.env._("Not for this reason.")
        if step.condition_question_id and step.condition_answer:
            question = step.condition_question_id
            answer = run.step_ids.answer_ids.filtered(
                lambda one: one.question_id == question
            )
            if not answer[:1]._meets(step.condition_answer):
                return self.env._("Not with this answer: %s", question.name)
        return False

    def _get_answers_text(self):
        """Return the answers of these steps as the text of a chatter note."""
        choices = dict(
            self.env["retention.run.answer"]
            ._fields["choice"]
            ._description_selection(self.env)
        )
        return "\n".join(
            f"{answer.name}: {choices.get(answer.choice) or answer.text}"
            for answer in self.answer_ids
            if answer.is_answered
        )


def _get_cause(error):
    """Return in a line what was wrong in the first place."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    return str(error).strip().split("\n", 1)[0] or type(error).__name__
