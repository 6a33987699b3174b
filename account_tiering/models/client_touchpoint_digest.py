from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import format_date

#: Touchpoints that a digest names; the rest is counted.
NAMED = 15
#: The kind of digest.
DIGEST = "touchpoint"


class ClientTouchpoint(models.Model):
    """The weekly digest: one activity that tells a manager what the week holds."""

    _inherit = "client.touchpoint"

    @api.model
    def _cron_digest(self):
        """Give each manager one activity with the touchpoints of the week, where
        the company wants it; one that is open still is brought up to date."""
        today = fields.Date.context_today(self)
        groups = self._read_group(
            [
                *self._get_week_domain(today),
                ("company_id.touch_digest", "=", True),
                ("user_id.active", "=", True),
            ],
            ["user_id"],
            ["id:recordset"],
        )
        kind = self.env.ref("account_tiering.mail_activity_type_digest")
        activities = self.env["mail.activity"].with_context(
            mail_activity_quick_update=True
        )
        present = {
            activity.user_id: activity
            for activity in activities.search([("digest_kind", "=", DIGEST)])
        }
        new = []
        for user, touchpoints in groups:
            values = touchpoints._prepare_digest(user, today)
            if user in present:
                present.pop(user).write(values)
            else:
                new.append(
                    {
                        "activity_type_id": kind.id,
                        "digest_kind": DIGEST,
                        "user_id": user.id,
                        **values,
                    }
                )
        activities._create_digests(new)
        # Whoever has nothing to do is not reminded of last week.
        activities.union(*present.values()).unlink()

    def _prepare_digest(self, user, today):
        """Return the values of the digest of these touchpoints, all of one manager."""
        localized = self.with_context(lang=user.lang)
        env = localized.env
        late = localized.filtered(lambda one: one.window_end < today)
        coming = (localized - late).sorted("date_planned")
        parts = []
        for title, some in (
            (env._("Overdue"), late.sorted("date_due")),
            (env._("This week"), coming),
        ):
            if some:
                lines = [
                    Markup("<li>%s: %s</li>")
                    % (
                        format_date(env, one.date_planned, lang_code=user.lang),
                        one._get_summary(),
                    )
                    for one in some[:NAMED]
                ]
                if len(some) > NAMED:
                    lines.append(
                        Markup("<li>%s</li>") % env._("and %s more", len(some) - NAMED)
                    )
                parts.append(
                    Markup("<p><b>%s</b></p><ul>%s</ul>")
                    % (title, Markup("").join(lines))
                )
        return {
            "summary": env._(
                "Touchpoints: %(coming)s this week, %(late)s overdue",
                coming=len(coming),
                late=len(late),
            ),
            "note": Markup("").join(parts),
            "date_deadline": today,
        }
