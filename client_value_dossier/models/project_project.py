from odoo import api, fields, models
from odoo.tools import SQL


class ProjectProject(models.Model):
    _name = "project.project"
    _inherit = ["project.project", "client.value.source", "client.value.total.mixin"]
    _value_entry_field = "project_id"

    value_entry_ids = fields.One2many(
        comodel_name="client.value.entry",
        inverse_name="project_id",
    )
    value_former_client_count = fields.Integer(
        compute="_compute_value_former_client_count",
        help="Entries that stayed with the client this project had before.",
    )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_value_former_client_count(self):
        entries = self.env["client.value.entry"]
        counts = {}
        if self.ids and entries.has_access("read"):
            for project, client, count in entries._read_group(
                [("project_id", "in", self.ids)],
                ["project_id", "partner_id"],
                ["__count"],
            ):
                if client != project.partner_id.commercial_partner_id:
                    counts[project] = counts.get(project, 0) + count
        for project in self:
            project.value_former_client_count = (
                counts.get(project, 0) if project.partner_id else 0
            )

    def _touch_for_scan(self):
        """Have these projects scanned again for suggestions: something left them."""
        if self.ids:
            # Raw SQL: whoever deletes a timesheet may not write the project; only the
            # time of its last change is.
            self.env.cr.execute(
                SQL(
                    "UPDATE project_project SET write_date = %s WHERE id = ANY(%s)",
                    self.env.cr.now(),
                    self.ids,
                )
            )

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_value_entries(self):
        """Open the value entries of these projects."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "client_value_dossier.client_value_entry_action"
        )
        action["domain"] = [("project_id", "in", self.ids)]
        action["context"] = {
            f"default_{name}": value
            for name, value in self[:1]._prepare_value_entry().items()
        }
        return action

    def action_view_suggestions(self):
        """Open the suggestions for these projects."""
        return self.env["client.value.entry"]._get_suggestion_action(
            domain=[("project_id", "in", self.ids)]
        )

    def action_scan_value(self):
        """Scan these projects and their orders now and show what is suggested.

        :raise AccessError: for who is neither in Sales nor a project administrator
        """
        self.check_access("read")
        created = self.env["client.value.rule"]._harvest_projects(self)
        return self.env["client.value.entry"]._get_suggestion_action(
            len(created), [("project_id", "in", self.ids)]
        )

    def action_move_value_entries(self):
        """Hand the entries that stayed with a former client to the present one.

        A project's entries do not follow by themselves when its client changes:
        a favour done for one client must not turn up in another's dossier.
        """
        for project in self.filtered("partner_id"):
            client = project.partner_id.commercial_partner_id
            stayed = project.value_entry_ids.filtered(
                lambda entry, client=client: entry.partner_id != client
            )
            stayed.write({"partner_id": client.id, "contact_id": False})
        return True

    def action_new_dossier(self):
        """Open a new dossier for the project's client, limited to the project."""
        self.ensure_one()
        action = self.partner_id.action_new_dossier()
        action["context"]["default_project_ids"] = self.ids
        return action

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _prepare_value_entry(self):
        return {
            **super()._prepare_value_entry(),
            **self._prepare_value_client(self.partner_id),
            "project_id": self.id,
            "company_id": (self.company_id or self.env.company).id,
        }

    def _get_stat_buttons(self):
        buttons = super()._get_stat_buttons()
        if self.env["client.value.entry"].has_access("read"):
            buttons.append(
                {
                    "icon": "gift",
                    "text": self.env._("Client Value"),
                    "number": self.value_entry_count,
                    "action_type": "object",
                    "action": "action_view_value_entries",
                    "show": True,
                    "sequence": 60,
                }
            )
            buttons.append(
                {
                    "icon": "lightbulb-o",
                    "text": self.env._("Suggestions"),
                    "number": self.value_suggestion_count,
                    "action_type": "object",
                    "action": "action_view_suggestions",
                    "show": bool(self.value_suggestion_count),
                    "sequence": 61,
                }
            )
        return buttons
