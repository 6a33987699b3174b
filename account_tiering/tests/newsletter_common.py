from odoo import Command, fields
from odoo.tests import new_test_user

from odoo.addons.mass_mailing.tests.common import MassMailCase

from .touchpoint_common import TouchpointCommon


class NewsletterCommon(TouchpointCommon, MassMailCase):
    """Clients of tiers B and C with contacts; a director who does mailings."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.letters = cls.env["client.newsletter"]
        cls.director = new_test_user(
            cls.env,
            "tier_director",
            groups="sales_team.group_sale_manager,mass_mailing.group_mass_mailing_user",
            email="director@agency.example.com",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )
        cls.marketer = cls._new_user("marketer", "mass_mailing.group_mass_mailing_user")
        cls.company.tier_director_id = cls.director
        cls.company.email = "office@agency.example.com"
        cls.ben = cls._create_contact(cls.client_b, "ben@beta.example.com")
        cls.bea = cls._create_contact(cls.client_b, "bea@beta.example.com")
        cls.cat = cls._create_contact(cls.client_c, "cat@cosy.example.com")

    @classmethod
    def _create_contact(cls, client, email, **values):
        return cls.env["res.partner"].create(
            {
                "name": (email or "nobody").partition("@")[0],
                "email": email,
                "parent_id": client.id,
                **values,
            }
        )

    def _plan_until_newsletter(self):
        """Plan, and return the first newsletters of tier B and the day before which
        they are prepared."""
        self._plan()
        first = self._get(self.client_b, "newsletter")[0]
        return first, first.date_planned

    def _prepare(self, day):
        """Do what the nightly job does for the company."""
        with self._at(day):
            self.letters._run_company(self.company)
        return self.letters.search(
            [("company_id", "=", self.company.id)], order="date_due, id"
        )

    def _prepare_first(self):
        """Return the prepared newsletter of tier B, and its touchpoints' day."""
        _first, day = self._plan_until_newsletter()
        newsletters = self._prepare(day)
        return newsletters.filtered(lambda one: one.tier_id == self.tier_b)[0], day

    def _send(self, mailing, day, user=None):
        """Send a mailing as its responsible does; the mail gateway is Odoo's mock."""
        with self._at(day, 10), self.mock_mail_gateway():
            mailing.with_user(user or self.director).action_send_mail()
            mailing.invalidate_recordset()
        return mailing

    def _create_mailing(self, partners=None, lists=None, user=None, **values):
        """Return a draft that was not prepared by us."""
        if lists:
            recipients = {"contact_list_ids": [Command.set(lists.ids)]}
        else:
            recipients = {"mailing_domain": repr([("id", "in", partners.ids)])}
        model = "mailing.list" if lists else "res.partner"
        return (
            self.env["mailing.mailing"]
            .with_user(user or self.director)
            .create(
                {
                    "subject": "Spring sale",
                    "body_html": "<p>Hello</p>",
                    "mailing_model_id": self.env["ir.model"]._get_id(model),
                    **recipients,
                    **values,
                }
            )
        )

    def _fulfil(self, day):
        with self._at(day, 12):
            return self.touchpoints._fulfil_from_mailings(self.company)

    def _get_recipients(self, mailing, user=None):
        """Return the contacts of a mailing, as somebody sees them."""
        mailing = mailing.with_user(user or self.director)
        return (
            self.env["res.partner"]
            .with_user(user or self.director)
            .search(mailing._get_recipients_domain())
        )

    def _today(self):
        return fields.Date.context_today(self.env.user)
