import logging
from datetime import timedelta

from markupsafe import Markup

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain

_logger = logging.getLogger(__name__)

#: Clients that a digest names; the rest is counted.
NAMED = 15
#: The kind of digest.
DIGEST = "week"


class RetentionClient(models.Model):
    """The weekly digest: one activity, and one mail, that tell a manager which clients
    need him."""

    _inherit = "retention.client"

    @api.model
    def _send_digests(self, company):
        """Give each manager of a company one activity with the clients that need him,
        and mail it once a week.

        One that is open still is brought up to date; one that he has done this week is
        not made again; who has no such clients is not reminded of last week. It names
        his clients in all companies that want a digest.

        :param company: ``res.company`` in which signals have just been found
        :returns: the activities that were created
        """
        # sudo: of the job, whoever has started it
        self = self.sudo().with_context(active_test=True)
        today = self.env["retention.rule"]._get_today(company)
        kind = self.env.ref("retention_playbooks.mail_activity_type_week")
        activities = self.env["mail.activity"].with_context(
            mail_activity_quick_update=True, active_test=False
        )
        found = activities.search(
            [
                ("digest_kind", "=", DIGEST),
                ("user_id.company_ids", "in", company.ids),
            ]
        )
        opened = {one.user_id: one for one in found if one.active}
        monday = today - timedelta(days=today.weekday())
        done = {
            one.user_id
            for one in found
            if not one.active and one.date_done and one.date_done >= monday
        }
        groups = self._read_group(
            self._get_todo_domain(today)
            & Domain("company_id.retention_digest", "=", True)
            & Domain("user_id.active", "=", True)
            & Domain("user_id.company_ids", "in", company.ids),
            ["user_id"],
            ["id:recordset"],
        )
        new, again = [], activities.browse()
        for user, clients in groups:
            values = clients._prepare_digest(user, today)
            if activity := opened.pop(user, None):
                if activity.date_deadline < values["date_deadline"]:
                    again |= activity
                if self._is_other_digest(activity, values):
                    activity.write(values)
            elif user not in done:
                new.append(
                    {
                        "activity_type_id": kind.id,
                        "digest_kind": DIGEST,
                        "user_id": user.id,
                        **values,
                    }
                )
        activities.union(*opened.values()).unlink()
        created = activities._create_digests(new)
        if company.retention_digest_mail:
            self._mail_digests(created | again)
        return created

    @api.model
    def _mail_digests(self, activities):
        """Mail the digests of a new week to those whom they are for. A template that is
        broken must not keep signals from being found."""
        template = self.env.ref(
            "retention_playbooks.mail_template_week", raise_if_not_found=False
        )
        if not template or not activities:
            return
        try:
            with self.env.cr.savepoint():
                template.send_mail_batch(
                    activities.ids, email_layout_xmlid="mail.mail_notification_light"
                )
        except (UserError, ValueError, AttributeError, KeyError):
            _logger.exception("The digests of the week cannot be mailed")

    @api.model
    def _is_other_digest(self, activity, values):
        """Return whether an activity says something else than it should."""
        for name, value in values.items():
            # Compared as the field keeps it: HTML is cleaned.
            convert = activity._fields[name].convert_to_cache
            if convert(value, activity) != convert(activity[name], activity):
                return True
        return False

    @api.model
    def _get_todo_domain(self, today):
        """Return the domain of clients that need somebody now."""
        return Domain("snoozed_until", "=", False) | Domain(
            "snoozed_until", "<=", today
        )

    def _prepare_digest(self, user, today):
        """Return the values of the digest of these clients, all of one manager."""
        clients = self.with_context(lang=user.lang, tz=user.tz).sorted()
        env = clients.env
        lines = [
            Markup("<li><b>%s</b>: %s<br/>%s</li>")
            % (client.partner_id.display_name, client.reason, client.next_step)
            for client in clients[:NAMED]
        ]
        if len(clients) > NAMED:
            lines.append(
                Markup("<li>%s</li>") % env._("and %s more", len(clients) - NAMED)
            )
        action = env.ref("retention_playbooks.retention_client_action")
        link = Markup('<p><a href="/odoo/%s">%s</a></p>') % (
            action.path,
            env._("Open the list"),
        )
        grave = len(clients.filtered(lambda one: one.severity == "3"))
        count = len(clients)
        summary = (
            env._("One client needs you this week")
            if count == 1
            else env._("%s clients need you this week", count)
        )
        if grave:
            summary = env._(
                "%(summary)s, %(grave)s gravely", summary=summary, grave=grave
            )
        monday = today - timedelta(days=today.weekday())
        return {
            "summary": summary,
            "note": Markup("<ul>%s</ul>%s") % (Markup("").join(lines), link),
            # The day of the week's beginning: the same whenever the job runs again.
            "date_deadline": monday,
        }
