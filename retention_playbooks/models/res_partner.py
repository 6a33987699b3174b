from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

#: Contacts that are changed at once, up to which their clients are looked at right
#: away; an import of more is left to the weekly job.
AT_ONCE = 100


class ResPartner(models.Model):
    """Clients with their signals, and contacts that decide there."""

    _inherit = "res.partner"

    is_decision_maker = fields.Boolean(
        string="Decides",
        help="Decides at the client whether we are hired. When such a contact comes, "
        "goes or is replaced, the account manager is told.",
    )
    retention_signal_ids = fields.One2many(
        comodel_name="retention.signal",
        inverse_name="partner_id",
        string="Signals",
        groups="sales_team.group_sale_salesman",
    )
    open_signal_ids = fields.One2many(
        comodel_name="retention.signal",
        inverse_name="partner_id",
        string="Open Signals",
        domain=[("state", "=", "open")],
        groups="sales_team.group_sale_salesman",
    )
    signal_count = fields.Integer(
        compute="_compute_signals",
        string="Number of Signals",
        groups="sales_team.group_sale_salesman",
    )
    signal_severity = fields.Selection(
        selection="_selection_signal_severity",
        compute="_compute_signals",
        search="_search_signal_severity",
        string="Gravest Signal",
        groups="sales_team.group_sale_salesman",
        help="The gravest open signal of the client.",
    )
    rhythm_note = fields.Char(
        string="Rhythm",
        compute="_compute_rhythm_note",
        groups="sales_team.group_sale_salesman",
        help="How the client orders, or why it cannot be told.",
    )

    @api.model
    def _selection_signal_severity(self):
        return (
            self.env["retention.signal"]
            ._fields["severity"]
            ._description_selection(self.env)
        )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends(
        "commercial_partner_id.retention_signal_ids.state",
        "commercial_partner_id.retention_signal_ids.severity",
    )
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_signals(self):
        groups = self.env["retention.signal"]._read_group(
            [
                ("partner_id", "in", self.commercial_partner_id.ids),
                ("state", "=", "open"),
            ],
            ["partner_id"],
            ["__count", "severity:max"],
        )
        values = {client.id: rest for client, *rest in groups}
        for partner in self:
            count, severity = values.get(partner.commercial_partner_id.id, (0, False))
            partner.signal_count = count
            partner.signal_severity = severity

    def _search_signal_severity(self, operator, value):
        if operator != "in":
            return NotImplemented
        signals = self.env["retention.signal"]
        groups = signals._read_group(
            [("state", "=", "open")], ["partner_id"], ["severity:max"]
        )
        found = [client.id for client, severity in groups if severity in value]
        domain = Domain("commercial_partner_id", "in", found)
        if False in value:
            every = [client.id for client, _severity in groups]
            domain |= Domain("commercial_partner_id", "not in", every)
        return domain

    @api.depends_context("uid", "company", "lang")
    def _compute_rhythm_note(self):
        rules = self.env["retention.rule"]
        for partner in self:
            client = partner.commercial_partner_id._origin
            rule = client and rules._get_rule_for(
                self.env.company, "broken_pattern", client.tier_id
            )
            # What others sell is for those who may see the client's revenue.
            told = rule and client._is_client_of_user()
            partner.rhythm_note = rule._describe_rhythm(client) if told else False

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        partners = super().create(vals_list)
        deciding = partners.filtered("is_decision_maker")._filter_contacts()
        if deciding:
            clients = self.env["retention.contact.change"]._note("new", deciding)
            clients._refresh_signals("new_contact")
        return partners

    def write(self, vals):
        before = self._prepare_contact_state(vals)
        result = super().write(vals)
        if before:
            self._note_contact_changes(vals, before)
        # sudo: signals follow whoever may change the client
        signals = self.env["retention.signal"].sudo()
        if "user_id" in vals:
            signals._follow_managers(self)
        if vals.get("active") is False:
            signals._expire([("partner_id", "in", self.ids)])
        if "parent_id" in vals or "is_company" in vals:
            self._move_signals_to_client()
        return result

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_signals(self):
        """Open the signals of the client, closed ones included."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "retention_playbooks.retention_signal_action"
        )
        action["domain"] = [("partner_id", "in", self.commercial_partner_id.ids)]
        action["context"] = {"search_default_open": 1}
        return action

    def action_find_signals(self):
        """Look for signals of these clients now, in the user's companies, and say what
        was found.

        :raises AccessError: the user may not see signals, or one of the clients
        """
        signals = self.env["retention.signal"]
        signals.check_access("read")
        self.check_access("read")
        for company in self.env.companies:
            signals._refresh(company, self.commercial_partner_id.ids)
        count = signals.search_count(
            [
                ("partner_id", "in", self.commercial_partner_id.ids),
                ("state", "=", "open"),
            ]
        )
        if not count:
            message = self.env._("No signals: nothing to do.")
        elif count == 1:
            message = self.env._("One open signal.")
        else:
            message = self.env._("%s open signals.", count)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info" if count else "success",
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def action_log_complaint(self):
        """Open the dialog that logs a complaint of the client."""
        return self._get_signal_dialog("retention.complaint", self.env._("Complaint"))

    def action_mark_lost(self):
        """Open the dialog that marks the client as lost."""
        return self._get_signal_dialog(
            "retention.client.lost", self.env._("Client Is Lost")
        )

    def _get_signal_dialog(self, model, title):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": title,
            "res_model": model,
            "view_mode": "form",
            "target": "new",
            "context": {"default_partner_id": self.id},
        }

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _refresh_signals(self, kind):
        """Look for signals of one kind of these clients in the current company."""
        if self and len(self) <= AT_ONCE:
            self.env["retention.signal"]._refresh(self.env.company, self.ids, [kind])

    def _move_signals_to_client(self):
        """Let the signals of clients that have become part of another one go there."""
        # sudo: signals must follow whoever changes the contact
        signals = self.env["retention.signal"].sudo()
        for partner in signals.search([("partner_id", "in", self.ids)]).partner_id:
            client = partner.commercial_partner_id
            if client != partner:
                signals._merge_clients(partner, client)

    # ------------------------------------------------------------
    # CONTACTS
    # ------------------------------------------------------------

    def _filter_contacts(self):
        """Return those of these partners that are people of a client."""
        return self.filtered(
            lambda one: (
                one.parent_id
                and not one.is_company
                and one.commercial_partner_id != one
                and one.type == "contact"
            )
        )

    def _get_key_contact_sql(self, alias):
        """Return SQL that tells whether we work with a contact: it decides, or orders,
        opportunities or projects are in its name."""
        contact = SQL.identifier(alias, "id")
        return SQL(
            """
            (%s OR EXISTS (SELECT FROM sale_order WHERE partner_id = %s)
             OR EXISTS (SELECT FROM crm_lead WHERE partner_id = %s)
             OR EXISTS (SELECT FROM project_project WHERE partner_id = %s))
            """,
            SQL("COALESCE(%s, FALSE)", SQL.identifier(alias, "is_decision_maker")),
            contact,
            contact,
            contact,
        )

    def _prepare_contact_state(self, vals):
        """Return {contact id: what a change of it is measured against}, when *vals* may
        be one: its client, name, email, and whether we work with it."""
        renames = "name" in vals and "email" in vals
        if not (renames or vals.keys() & {"active", "parent_id", "is_decision_maker"}):
            return {}
        contacts = self._filter_contacts()
        if not contacts:
            return {}
        contacts.flush_recordset()
        # Raw SQL: tables that whoever changes a contact need not be allowed to read.
        rows = self.env.execute_query(
            SQL(
                "SELECT id, %s FROM res_partner WHERE id = ANY(%s)",
                self._get_key_contact_sql("res_partner"),
                contacts.ids,
            )
        )
        is_key = dict(rows)
        return {
            contact.id: {
                "client": contact.commercial_partner_id.id,
                "name": contact.name,
                "email": contact.email_normalized,
                "active": contact.active,
                "decides": contact.is_decision_maker,
                "key": is_key.get(contact.id),
            }
            for contact in contacts
        }

    def _note_contact_changes(self, vals, before):
        """Note what has become of contacts, and look at their clients.

        :param before: what :meth:`_prepare_contact_state` gave
        """
        changes = self.env["retention.contact.change"]
        contacts = self.browse(before)
        clients = self.browse()

        def those(condition):
            return contacts.filtered(lambda one: condition(one, before[one.id]))

        client_of = {contact: state["client"] for contact, state in before.items()}
        if "active" in vals:
            left = those(lambda one, old: old["key"] and old["active"] > one.active)
            clients |= changes._note("left", left)
            back = those(lambda one, old: one.active > old["active"])
            clients |= changes._take_back("left", back)
        if "parent_id" in vals:
            moved = those(
                lambda one, old: (
                    old["key"] and one.commercial_partner_id.id != old["client"]
                )
            )
            clients |= changes._note("moved", moved, client_of)
            clients |= changes._note(
                "new",
                moved.filtered("is_decision_maker")._filter_contacts(),
            )
        if "is_decision_maker" in vals:
            new = those(lambda one, old: one.is_decision_maker and not old["decides"])
            clients |= changes._note("new", new)
            former = those(lambda one, old: not one.is_decision_maker)
            clients |= changes._take_back("new", former)
        if "name" in vals and "email" in vals:
            replaced = those(
                lambda one, old: (
                    old["key"]
                    and old["email"]
                    and one.email_normalized != old["email"]
                    and one.name != old["name"]
                )
            )
            names = {contact: state["name"] for contact, state in before.items()}
            clients |= changes._note("replaced", replaced, former_names=names)
        clients._refresh_signals("new_contact")

    # ------------------------------------------------------------
    # LOST
    # ------------------------------------------------------------

    def _mark_lost(self, reason, note=None):
        """Mark clients as lost by hand, in the current company.

        An open signal gets the reason; else one is raised. It ends with the next
        purchase.

        :param reason: ``retention.lost.reason``
        :param note: for colleagues
        :returns: the ``retention.signal``
        :raises UserError: the client is archived, or is ourselves
        """
        company = self.env.company
        # sudo: whoever may see the client may say that it is gone
        signals = self.env["retention.signal"].sudo().with_company(company)
        today = self.env["retention.rule"]._get_today(company)
        rules = self.env["retention.rule"]
        own = self.env["res.company"].sudo().search(Domain.TRUE).partner_id
        for client in self.commercial_partner_id:
            if not client.active or client in own:
                raise UserError(
                    self.env._("%s is no client of ours.", client.display_name)
                )
            rule = rules._get_rule_for(company, "lost", client.tier_id)
            values = {
                "severity": rule.severity or "3",
                "channel": rule.channel,
                "reason_id": reason.id,
                "reason_key": f"manual,{today.isoformat()}",
                "facts": {
                    "cause": "manual",
                    "date": today.isoformat(),
                    "note": note or None,
                },
                "res_model": False,
                "res_id": False,
                "evidence_ids": [],
            }
            signal = signals.search(
                [
                    ("partner_id", "=", client.id),
                    ("company_id", "=", company.id),
                    ("kind", "=", "lost"),
                    ("state", "=", "open"),
                ]
            )
            if signal:
                signal.write(values)
            else:
                signal = signals.create(
                    {
                        **values,
                        "partner_id": client.id,
                        "company_id": company.id,
                        "kind": "lost",
                        "date_open": today,
                        "revenue": signals._read_revenue(company, client.ids).get(
                            client.id, 0.0
                        ),
                    }
                )
                signal._after_raise()
            signals |= signal
        # What a lost client needs not be told of closes.
        signals._refresh(company, self.commercial_partner_id.ids)
        return signals
