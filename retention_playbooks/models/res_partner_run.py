from odoo import api, fields, models


class ResPartner(models.Model):
    """Clients with the playbooks that they are in."""

    _inherit = "res.partner"

    run_ids = fields.One2many(
        comodel_name="retention.run",
        inverse_name="partner_id",
        string="Runs",
        groups="sales_team.group_sale_salesman",
    )
    run_count = fields.Integer(
        compute="_compute_run_count",
        string="Playbooks",
        groups="sales_team.group_sale_salesman",
        help="Playbooks that the client has been in.",
    )
    running_count = fields.Integer(
        compute="_compute_run_count",
        string="Running Playbooks",
        groups="sales_team.group_sale_salesman",
    )

    @api.depends_context("uid", "allowed_company_ids")
    @api.depends("commercial_partner_id.run_ids.state")
    def _compute_run_count(self):
        groups = self.env["retention.run"]._read_group(
            [("partner_id", "in", self.commercial_partner_id._origin.ids)],
            ["partner_id", "state"],
            ["__count"],
        )
        counts, running = {}, {}
        for client, state, count in groups:
            counts[client.id] = counts.get(client.id, 0) + count
            if state == "running":
                running[client.id] = count
        for partner in self:
            client = partner.commercial_partner_id._origin.id
            partner.run_count = counts.get(client, 0)
            partner.running_count = running.get(client, 0)

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    def write(self, vals):
        result = super().write(vals)
        # sudo: runs follow whoever may change the client
        runs = self.env["retention.run"].sudo()
        if "user_id" in vals:
            runs._follow_managers(self)
        if vals.get("active") is False:
            runs._follow_archived(self)
        return result

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_runs(self):
        """Open the playbooks that the client has been in."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "retention_playbooks.retention_run_action"
        )
        action["domain"] = [("partner_id", "in", self.commercial_partner_id.ids)]
        action["context"] = {}
        return action

    def action_start_playbook(self):
        """Open the dialog that starts a playbook for these clients."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Start a Playbook"),
            "res_model": "retention.run.start",
            "view_mode": "form",
            "target": "new",
            "context": {"default_partner_ids": self.commercial_partner_id.ids},
        }

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _move_tiers_to_client(self):
        """Let runs of clients that have become part of another one go there."""
        # sudo: runs must follow whoever changes the contact
        runs = self.env["retention.run"].sudo()
        for client, partners in self.grouped("commercial_partner_id").items():
            runs._merge_clients(partners - client, client)
        return super()._move_tiers_to_client()

    @api.model
    def _get_unmailable(self, partners):
        """Return {partner id: why no mail goes there}, of those to whom none goes.

        :param partners: ``res.partner``
        """
        self.env["mail.blacklist"].flush_model()
        for model in ("mailing.contact", "mailing.subscription"):
            self.env[model].flush_model()
        partners.fetch(["name", "email_normalized"])
        emails = list(filter(None, partners.mapped("email_normalized")))
        # Raw SQL: two lists of addresses, read for a thousand contacts. Somebody who
        # has left all of his mailing lists has opted out.
        self.env.cr.execute(
            """
            SELECT contact.email_normalized, 'opt_out'
              FROM mailing_contact contact
              JOIN mailing_subscription given ON given.contact_id = contact.id
             WHERE contact.email_normalized = ANY(%(emails)s)
             GROUP BY contact.email_normalized HAVING BOOL_AND(given.opt_out)
             UNION ALL
            SELECT email, 'blacklist' FROM mail_blacklist
             WHERE active AND email = ANY(%(emails)s)
            """,
            {"emails": emails},
        )
        refused = dict(self.env.cr.fetchall())
        reasons = {
            "blacklist": self.env._("is blacklisted for mails"),
            "opt_out": self.env._("does not want mails any more"),
        }
        found = {}
        for partner in partners:
            name = partner.name or ""
            if not partner.active:
                found[partner.id] = self.env._("%s is archived.", name)
            elif not partner.email_normalized:
                found[partner.id] = self.env._("%s has no email address.", name)
            elif partner.email_normalized in refused:
                reason = reasons[refused[partner.email_normalized]]
                found[partner.id] = f"{name} {reason}."
        return found
