from odoo import fields, models
from odoo.tools import format_amount, format_date


class RetentionSignal(models.Model):
    """The reason in a sentence: one method per kind, named after it.

    Each gets the facts that ``_find_<kind>`` of the rule has prepared, and the day as
    of which it speaks: today, or the day on which the signal was closed.
    """

    _inherit = "retention.signal"

    def _get_explanation(self):
        """Return the sentence for one signal, in the reader's language.

        Who creates a signal from outside may give a ``sentence`` of his own as fact.
        """
        self.ensure_one()
        facts = self.facts or {}
        explain = getattr(self, f"_explain_{self.kind}", None)
        if not explain or not facts or "sentence" in facts:
            labels = dict(self._fields["kind"]._description_selection(self.env))
            return facts.get("sentence") or labels.get(self.kind)
        return explain(self.facts, self.date_closed or fields.Date.context_today(self))

    # ------------------------------------------------------------
    # ONE METHOD PER KIND
    # ------------------------------------------------------------

    def _explain_open_tickets(self, facts, day):
        """:param facts: count, overdue (counts), oldest (date)"""
        days = self._say_days(facts["oldest"], day)
        if facts["count"] == 1:
            return self.env._("A ticket is open for %s", days)
        if not facts["overdue"]:
            return self.env._(
                "%(count)s open tickets, the oldest for %(days)s",
                count=facts["count"],
                days=days,
            )
        return self.env._(
            "%(count)s open tickets, %(overdue)s of them overdue, the oldest for "
            "%(days)s",
            count=facts["count"],
            overdue=facts["overdue"],
            days=days,
        )

    def _explain_complaint(self, facts, day):
        """:param facts: date; text (what the client said); rating (0 to 5) or none"""
        when, text = self._say_date(facts["date"]), facts.get("text")
        if facts.get("rating") is None:
            if not text:
                return self.env._("Complained on %s", when)
            return self.env._("Complained on %(day)s: %(text)s", day=when, text=text)
        if not text:
            return self.env._(
                "Rated us %(rating)g of 5 on %(day)s", rating=facts["rating"], day=when
            )
        return self.env._(
            "Rated us %(rating)g of 5 on %(day)s: %(text)s",
            rating=facts["rating"],
            day=when,
            text=text,
        )

    def _explain_no_usage(self, facts, day):
        """:param facts: project (name), count (of quiet projects), last (date)"""
        days = self._say_days(facts["last"], day)
        if facts["count"] > 1:
            return self.env._(
                "Nothing has happened on %(count)s running projects, on %(project)s "
                "for %(days)s",
                count=facts["count"],
                project=facts["project"],
                days=days,
            )
        return self.env._(
            "Nothing has happened on %(project)s for %(days)s",
            project=facts["project"],
            days=days,
        )

    def _explain_broken_pattern(self, facts, day):
        """:param facts: interval (days), months, purchases, last (date)"""
        return self.env._(
            "Ordered every %(interval)s days on average for %(months)s months, last "
            "order %(days)s ago",
            interval=facts["interval"],
            months=facts["months"],
            days=self._say_days(facts["last"], day),
        )

    def _explain_lapsed(self, facts, day):
        """:param facts: purchases, last (date); rate (own), published: whole percents
        of clients who buy again after so many purchases, or none
        """
        days = self._say_days(facts["last"], day)
        if facts["purchases"] == 1:
            text = self.env._("Bought once, %(days)s ago, and not again", days=days)
        else:
            text = self.env._(
                "Bought %(count)s times, the last time %(days)s ago",
                count=facts["purchases"],
                days=days,
            )
        own, published = facts.get("rate"), facts.get("published")
        if own is not None and published is not None:
            return self.env._(
                "%(text)s; %(own)s %% of such clients buy again within a year "
                "(published: %(published)s %%)",
                text=text,
                own=own,
                published=published,
            )
        if own is not None:
            return self.env._(
                "%(text)s; %(own)s %% of such clients buy again within a year",
                text=text,
                own=own,
            )
        return text

    def _explain_lost(self, facts, day):
        """:param facts: cause (``manual``, ``opportunity``, ``contract``, ``lapsed``);
        date (of it); name (of opportunity or project), note
        """
        when = self._say_date(facts["date"])
        cause = facts["cause"]
        if cause == "manual":
            text = self.env._("Marked as lost on %s", when)
        elif cause == "opportunity":
            text = self.env._(
                "%(name)s was lost on %(day)s, and all future work with it",
                name=facts["name"],
                day=when,
            )
        elif cause == "contract":
            text = self.env._(
                "%(name)s ended on %(day)s, and nothing followed",
                name=facts["name"],
                day=when,
            )
        else:
            text = self.env._(
                "Bought nothing for %(days)s, since %(day)s",
                days=self._say_days(facts["date"], day),
                day=when,
            )
        # sudo: the sentence is for all who may read the signal
        reason = self.reason_id.sudo().name
        if reason:
            text = self.env._("%(text)s (%(reason)s)", text=text, reason=reason)
        if facts.get("note"):
            text = self.env._("%(text)s: %(note)s", text=text, note=facts["note"])
        return text

    def _explain_new_contact(self, facts, day):
        """:param facts: change (a kind of ``retention.contact.change``, or
        ``bounced``); name (of the contact), date (none for ``bounced``), former
        (name) or none
        """
        name = facts["name"]
        if facts["change"] == "bounced":
            return self.env._("Mails to %s come back", name)
        when = self._say_date(facts["date"])
        return {
            "left": self.env._(
                "%(name)s is no contact any more since %(day)s", name=name, day=when
            ),
            "moved": self.env._(
                "%(name)s left for another company on %(day)s", name=name, day=when
            ),
            "replaced": self.env._(
                "%(name)s replaced %(former)s on %(day)s",
                name=name,
                former=facts.get("former"),
                day=when,
            ),
            "new": self.env._(
                "%(name)s decides at the client since %(day)s", name=name, day=when
            ),
        }.get(facts["change"])

    def _explain_overdue_touch(self, facts, day):
        """:param facts: count, channel (of the oldest), end (date of its window)"""
        channels = self.env["client.touchpoint"]._fields["channel"]
        label = dict(channels._description_selection(self.env)).get(facts["channel"])
        days = self._say_days(facts["end"], day)
        if facts["count"] > 1:
            return self.env._(
                "%(count)s promised contacts are overdue, a %(channel)s for %(days)s",
                count=facts["count"],
                channel=(label or "").lower(),
                days=days,
            )
        return self.env._(
            "A promised %(channel)s is overdue for %(days)s",
            channel=(label or "").lower(),
            days=days,
        )

    def _explain_late_payer(self, facts, day):
        """:param facts: count (of invoices), amount (company currency), due (date of
        the oldest)
        """
        amount = self._say_amount(facts["amount"])
        days = self._say_days(facts["due"], day)
        if facts["count"] == 1:
            return self.env._(
                "%(amount)s overdue on an invoice, for %(days)s",
                amount=amount,
                days=days,
            )
        return self.env._(
            "%(amount)s overdue on %(count)s invoices, for up to %(days)s",
            amount=amount,
            count=facts["count"],
            days=days,
        )

    def _explain_shrinking(self, facts, day):
        """:param facts: before, after (revenue of a year, company currency), percent"""
        return self.env._(
            "Revenue fell by %(percent)d %% within a year, from %(before)s to "
            "%(after)s",
            percent=round(facts["percent"]),
            before=self._say_amount(facts["before"]),
            after=self._say_amount(facts["after"]),
        )

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _say_days(self, since, day):
        """Return how many days lie between an ISO date and a day, with the word."""
        count = (day - fields.Date.to_date(since)).days
        if count < 1:
            return self.env._("less than a day")
        return self.env._("1 day") if count == 1 else self.env._("%s days", count)

    def _say_date(self, day):
        return format_date(self.env, day)

    def _say_amount(self, amount):
        # sudo: the currency of the company, whoever reads
        return format_amount(self.env, amount, self.sudo().company_id.currency_id)
