import logging

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError

from ..tools import canonical, workbook
from .client_value_category import SECTIONS

_logger = logging.getLogger(__name__)

REPORT = "client_value_dossier.action_report_dossier"
# What a dossier is called until it has its number, in any language.
DRAFT = "/"
# Written once, by issuing and cancelling; nobody else may.
SEALED = frozenset(("name", "state", "snapshot", "digest", "issued_on", "cancelled_on"))
# A dossier goes one way only.
NEXT_STATE = {"draft": "issued", "issued": "cancelled"}
# What a draft is made from; after issuing it would contradict the snapshot.
CONTENT = frozenset(
    (
        "partner_id",
        "recipient_id",
        "user_id",
        "company_id",
        "purpose",
        "date_from",
        "date_to",
        "lang",
        "currency_id",
        "introduction",
        "closing",
        "show_amounts",
        "empty_sections",
        "with_projects",
        "with_concession",
        "with_benefit",
        "with_flexibility",
        "with_special",
        "project_ids",
        "previous_id",
    )
)


class ClientValueDossier(models.Model):
    """A document made of a client's value entries. Issuing seals its snapshot."""

    _name = "client.value.dossier"
    _description = "Client Value Dossier"
    _inherit = ["client.value.client.mixin", "mail.thread", "mail.activity.mixin"]
    _contact_field = "recipient_id"
    _order = "id desc"
    _check_company_auto = True

    name = fields.Char(
        string="Number",
        required=True,
        readonly=True,
        copy=False,
        default=DRAFT,
    )
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Client",
        required=True,
        index=True,
        ondelete="restrict",
        check_company=True,
        tracking=True,
    )
    recipient_id = fields.Many2one(
        comodel_name="res.partner",
        string="Prepared for",
        ondelete="restrict",
        index="btree_not_null",
        domain="[('id', 'child_of', partner_id), ('id', '!=', partner_id)]",
        help="The person who will read it.",
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Prepared by",
        required=True,
        default=lambda self: self.env.user,
        index=True,
        domain="[('share', '=', False)]",
        tracking=True,
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self.env.company,
        index=True,
    )
    purpose = fields.Selection(
        selection=[
            ("new_manager", "New Client Manager"),
            ("departing", "Departing Account"),
            ("review", "Review Meeting"),
            ("internal", "Internal"),
        ],
        required=True,
        default="review",
        tracking=True,
    )
    date_from = fields.Date(
        string="From", help="Empty: since the beginning of the work together."
    )
    date_to = fields.Date(
        string="Until", default=lambda self: fields.Date.context_today(self)
    )
    lang = fields.Selection(
        selection="_get_lang_selection",
        string="Language",
        compute="_compute_lang",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
    )
    currency_id = fields.Many2one(
        comodel_name="res.currency",
        compute="_compute_currency_id",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        help="Entries in other currencies are converted at the rate of their date.",
    )
    project_ids = fields.Many2many(
        comodel_name="project.project",
        string="Only Projects",
        domain="[('partner_id', 'child_of', partner_id)]",
        help="Leave empty for all of the client's projects.",
    )
    introduction = fields.Text(
        compute="_compute_introduction",
        store=True,
        readonly=False,
        precompute=True,
        help="Printed below the heading. The text suits purpose and language; "
        "change it as you like.",
    )
    closing = fields.Text(
        string="Closing Words",
        compute="_compute_closing",
        store=True,
        readonly=False,
        precompute=True,
    )
    show_amounts = fields.Boolean(
        default=True,
        help="Without amounts no money is printed: prices, revenue and worth are "
        "left out, hours and days stay.",
    )
    empty_sections = fields.Selection(
        selection=[("line", "Say so in one line"), ("omit", "Leave them out")],
        default="line",
        required=True,
    )
    with_projects = fields.Boolean(string="Projects", default=True)
    with_concession = fields.Boolean(string="Concessions", default=True)
    with_benefit = fields.Boolean(string="Benefits", default=True)
    with_flexibility = fields.Boolean(string="Flexibility", default=True)
    with_special = fields.Boolean(string="Special Arrangements", default=True)

    state = fields.Selection(
        selection=[
            ("draft", "Draft"),
            ("issued", "Issued"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
        tracking=True,
    )
    previous_id = fields.Many2one(
        comodel_name="client.value.dossier",
        string="Continues",
        compute="_compute_previous_id",
        store=True,
        readonly=False,
        index="btree_not_null",
        domain="[('partner_id', '=', partner_id), ('state', '!=', 'draft')]",
        help="The client's last dossier, which this one refers to.",
    )
    next_ids = fields.One2many(
        comodel_name="client.value.dossier",
        inverse_name="previous_id",
        string="Continued by",
    )
    snapshot = fields.Json(readonly=True, copy=False)
    digest = fields.Char(
        readonly=True,
        copy=False,
        help="SHA-256 of the sealed contents. *Check seal* computes it again.",
    )
    issued_on = fields.Datetime(readonly=True, copy=False, tracking=True)
    cancelled_on = fields.Datetime(readonly=True, copy=False)
    pdf_error = fields.Text(readonly=True, copy=False)

    _sealed = models.Constraint(
        "CHECK(state = 'draft' OR (snapshot IS NOT NULL AND digest IS NOT NULL))",
        "An issued dossier needs its snapshot.",
    )
    _number_uniq = models.UniqueIndex(
        "(company_id, name) WHERE state != 'draft'",
        "Another dossier has this number.",
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.model
    def _get_lang_selection(self):
        return self.env["res.lang"].get_installed()

    @api.depends("recipient_id", "partner_id")
    def _compute_lang(self):
        installed = {code for code, _name in self._get_lang_selection()}
        for dossier in self:
            wanted = (
                dossier.recipient_id.lang,
                dossier.partner_id.lang,
                self.env.lang,
                self.env.user.lang,
            )
            dossier.lang = next(
                (code for code in wanted if code in installed), min(installed)
            )

    @api.depends("company_id")
    def _compute_currency_id(self):
        for dossier in self:
            dossier.currency_id = (
                dossier.company_id.currency_id or self.env.company.currency_id
            )

    @api.depends("purpose", "lang", "partner_id", "company_id")
    def _compute_introduction(self):
        for dossier in self:
            dossier.introduction = dossier._get_introduction()

    @api.depends("purpose", "lang", "partner_id", "company_id")
    def _compute_closing(self):
        for dossier in self:
            dossier.closing = dossier._get_closing()

    @api.depends("partner_id", "company_id")
    def _compute_previous_id(self):
        last = {
            (client, company): last_id
            for client, company, last_id in self._read_group(
                [
                    ("partner_id", "in", self.partner_id.ids),
                    ("state", "!=", "draft"),
                ],
                ["partner_id", "company_id"],
                ["id:max"],
            )
        }
        for dossier in self.filtered(lambda dossier: dossier.state == "draft"):
            dossier.previous_id = last.get((dossier.partner_id, dossier.company_id))

    @api.depends("name", "state", "partner_id.name")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for dossier in self:
            dossier.display_name = (
                f"{dossier._get_number_text()} – {dossier.partner_id.name or ''}"
            )

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        # A context default is a value as well.
        defaults = {fname: self.env.context.get(f"default_{fname}") for fname in SEALED}
        for vals in vals_list:
            given = {**defaults, **vals}
            if given.get("state") not in (None, False, "draft") or any(
                given.get(fname) for fname in SEALED if fname != "state"
            ):
                raise UserError(
                    self.env._("A dossier starts as a draft. Issue it to seal it.")
                )
        return super().create([self._normalise_client(vals) for vals in vals_list])

    def write(self, vals):
        if SEALED & vals.keys():
            raise UserError(
                self.env._(
                    "Number, state and sealed contents of a dossier are only written "
                    "by issuing or cancelling it."
                )
            )
        if CONTENT & vals.keys():
            issued = self.filtered(lambda dossier: dossier.state != "draft")
            if issued:
                raise UserError(
                    self.env._(
                        "%s has been issued and can no longer be changed. Make a new "
                        "version instead.",
                        ", ".join(issued.mapped("name")),
                    )
                )
        return super().write(self._normalise_client(vals))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_issued(self):
        issued = self.filtered(lambda dossier: dossier.state != "draft")
        if issued:
            raise UserError(
                self.env._(
                    "%s has been issued: it can be cancelled, but not deleted.",
                    ", ".join(issued.mapped("name")),
                )
            )

    def _seal(self, vals):
        """Write sealed fields: the one way past :meth:`write`'s refusal. What has
        been sealed before is never written again, and no state comes back.

        :raise UserError: when a number, snapshot, digest or date is sealed already,
            or the state is not the next one
        """
        for dossier in self:
            sealed = dossier.state != "draft" and any(
                dossier[fname] for fname in SEALED.intersection(vals) - {"state"}
            )
            if sealed or NEXT_STATE.get(dossier.state) != vals.get("state"):
                raise UserError(self.env._("%s has been issued already.", dossier.name))
        return super().write(vals)

    def _move_to_client(self, client, contact):
        """Also issued dossiers move, or nobody would find them with the client.
        Their sealed contents keep what was true when they were issued."""
        drafts = self.filtered(lambda dossier: dossier.state == "draft")
        issued = self - drafts
        super(ClientValueDossier, issued).write({"partner_id": client.id})
        return super(ClientValueDossier, drafts)._move_to_client(client, contact)

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_issue(self):
        """Number the drafts, seal their snapshots and store the PDF. A PDF that
        cannot be made does not stop it: the reason is kept for the user.

        :raise UserError: when one is not a draft
        """
        self.check_access("write")
        try:
            # Two people may press the button at once: one of them issues.
            self.lock_for_update()
        except LockError as error:
            raise UserError(
                self.env._("Somebody else is issuing this dossier right now.")
            ) from error
        self.invalidate_recordset(["state"])
        done = self.filtered(lambda dossier: dossier.state != "draft")
        if done:
            raise UserError(
                self.env._(
                    "%s has been issued already.", ", ".join(done.mapped("name"))
                )
            )
        for dossier in self:
            number = (
                self.env["ir.sequence"]
                .with_company(dossier.company_id)
                .next_by_code("client.value.dossier")
            )
            snapshot = dossier._prepare_snapshot(number=number)
            dossier._seal(
                {
                    "name": number,
                    "state": "issued",
                    "snapshot": snapshot,
                    "digest": canonical.digest(snapshot),
                    "issued_on": fields.Datetime.now(),
                }
            )
        self._store_pdf()
        return True

    def action_cancel(self):
        """Withdraw issued dossiers. They stay readable and say so on each page."""
        self.check_access("write")
        if self.filtered(lambda dossier: dossier.state != "issued"):
            raise UserError(
                self.env._("Only issued dossiers can be cancelled. Delete drafts.")
            )
        self._seal({"state": "cancelled", "cancelled_on": fields.Datetime.now()})
        self._store_pdf()
        return True

    def action_new_version(self):
        """Open a new draft with the same settings that refers to this dossier."""
        self.ensure_one()
        draft = self.copy({"date_to": fields.Date.context_today(self)})
        draft.previous_id = self
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": draft.id,
            "views": [(False, "form")],
        }

    def action_store_pdf(self):
        """Make the PDF that could not be made when the dossier was issued."""
        self._store_pdf()
        return True

    def action_preview(self):
        """Show the dossier in the browser as it will be printed."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_url",
            "url": f"/report/html/client_value_dossier.report_dossier/{self.id}",
            "target": "new",
        }

    def action_print(self):
        """Print the dossiers. They have a layout of their own, so nobody is asked to
        choose one first."""
        return self.env.ref(REPORT).report_action(self, config=False)

    def action_workbook(self):
        """Download the dossier as a workbook."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_url",
            "url": f"/client_value_dossier/{self.id}/workbook.xlsx",
            "target": "download",
        }

    def action_send(self):
        """Open the mail composer with the template in the recipient's language and
        the PDF attached.

        :raise UserError: for a draft, which may still change
        """
        self.ensure_one()
        if self.state != "issued":
            raise UserError(self.env._("Issue the dossier before you send it."))
        template = self.env.ref("client_value_dossier.mail_template_dossier")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Send Dossier"),
            "res_model": "mail.compose.message",
            "views": [(False, "form")],
            "target": "new",
            "context": {
                "default_model": self._name,
                "default_res_ids": self.ids,
                "default_template_id": template.id,
                "default_composition_mode": "comment",
                "default_email_layout_xmlid": "mail.mail_notification_layout",
                "force_email": True,
            },
        }

    def action_check_seal(self):
        """Compute the digests of issued dossiers again and tell which differ.

        :return: a notification that names what does not match
        """
        issued = self.filtered(lambda dossier: dossier.state != "draft")
        broken = issued._get_broken_seals()
        if broken:
            message = "\n".join(
                f"{dossier.name}: {reason}" for dossier, reason in broken
            )
        else:
            message = self.env._("%s dossiers checked, all seals intact.", len(issued))
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "title": self.env._("Check of seals"),
                "message": message,
                "type": "danger" if broken else "success",
                "sticky": bool(broken),
            },
        }

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _get_snapshot(self):
        """Return what the dossier shows: the sealed snapshot, or for a draft the
        one that issuing it now would seal."""
        self.ensure_one()
        return self._prepare_snapshot() if self.state == "draft" else self.snapshot

    def _get_broken_seals(self):
        """Return [(dossier, reason)] of the issued dossiers in ``self`` whose stored
        contents do not match their digest or number."""
        broken = []
        for dossier in self.filtered(lambda dossier: dossier.state != "draft"):
            snapshot = dossier.snapshot or {}
            if canonical.digest(snapshot) != dossier.digest:
                reason = self.env._("its contents were changed after it was issued.")
            elif snapshot.get("number") != dossier.name:
                reason = self.env._(
                    "its number was changed, it was issued as %s.",
                    snapshot.get("number"),
                )
            else:
                continue
            broken.append((dossier, reason))
        return broken

    def _render_workbook(self):
        """Return the dossier as the bytes of an ``.xlsx`` file."""
        self.ensure_one()
        return workbook.build_dossier_workbook(self._get_snapshot())

    def _store_pdf(self):
        """Render the PDFs so that they are stored on the records; keep the reason
        on the record when one cannot be made."""
        for dossier in self:
            error = False
            try:
                with self.env.cr.savepoint():
                    self.env["ir.actions.report"]._render_qweb_pdf(REPORT, dossier.ids)
            except Exception as exception:  # noqa: BLE001
                # Whatever is wrong with the printing tool, the dossier is issued.
                _logger.warning("PDF of %s not made: %s", dossier.name, exception)
                error = str(exception)
            dossier.pdf_error = error

    def _get_number_text(self):
        """Return the number as people read it: drafts have none."""
        self.ensure_one()
        return self.env._("Draft") if self.state == "draft" else self.name

    def _get_file_name(self):
        """Return the name of the dossier's files, without extension."""
        self.ensure_one()
        parts = [self._get_number_text().replace("/", "-"), self.partner_id.name or ""]
        if self.state == "cancelled":
            parts.append(self.env._("cancelled"))
        return " ".join(parts)

    def _get_pdf_attachment_name(self):
        """Return the name under which the PDF is stored, False for a draft, which
        may still change. Cancelling makes a new one with the mark."""
        self.ensure_one()
        return self.state != "draft" and f"{self._get_file_name()}.pdf"

    def _get_sections(self):
        """Return the codes of the chosen sections, in the order of the dossier."""
        self.ensure_one()
        return [code for code, _label in SECTIONS if self[f"with_{code}"]]
