from collections import defaultdict

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

#: Contacts that are addresses of a department rather than people.
NO_NEWSLETTER_TYPES = ("invoice", "delivery")
#: Who works with audiences; sending is up to whoever may do mailings.
AUDIENCE_GROUPS = (
    "sales_team.group_sale_salesman,mass_mailing.group_mass_mailing_user,"
    "base.group_system"
)


class ResPartner(models.Model):
    """Which newsletters a contact is meant to get.

    Audiences are domains on these fields. They are the same for everybody, whatever the
    current company and rights: Odoo evaluates them as whoever opens the mailing, and
    sends it as the superuser in the main company.
    """

    _inherit = "res.partner"

    newsletter_tier_ids = fields.Many2many(
        comodel_name="client.tier",
        string="Newsletters of Tiers",
        compute="_compute_newsletter_tier_ids",
        search="_search_newsletter_tier_ids",
        groups=AUDIENCE_GROUPS,
        help="The tiers, of any company, whose newsletters are for this contact: those "
        "of the client, if the contact has an email address and is no mere invoice or "
        "delivery address.",
    )
    newsletter_ids = fields.Many2many(
        comodel_name="client.newsletter",
        string="Newsletters Owed",
        compute="_compute_newsletter_ids",
        search="_search_newsletter_ids",
        groups=AUDIENCE_GROUPS,
        help="The newsletters that the client is still owed, and those that it got.",
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    def _compute_newsletter_tier_ids(self):
        self._compute_audience("newsletter_tier_ids", self._get_tier_audience_sql())

    def _search_newsletter_tier_ids(self, operator, value):
        return self._search_audience(
            "newsletter_tier_ids", operator, value, self._get_tier_audience_sql()
        )

    def _compute_newsletter_ids(self):
        self._compute_audience("newsletter_ids", self._get_newsletter_audience_sql())

    def _search_newsletter_ids(self, operator, value):
        return self._search_audience(
            "newsletter_ids", operator, value, self._get_newsletter_audience_sql()
        )

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _compute_audience(self, field, audience):
        self._flush_audiences()
        targets = defaultdict(list)
        # Raw SQL, here and below: the same answer for everybody, see above.
        rows = self.env.execute_query(
            SQL(
                "SELECT contact, target FROM (%s) AS audience WHERE contact = ANY(%s)",
                audience,
                list(self._origin.ids),
            )
        )
        for contact, target in rows:
            targets[contact].append(target)
        for partner in self:
            partner[field] = targets[partner._origin.id]

    def _search_audience(self, field, operator, value, audience):
        if operator != "in":
            return NotImplemented
        self._check_field_access(self._fields[field], "read")
        self._flush_audiences()
        found = Domain(
            "id",
            "in",
            SQL(
                "(SELECT contact FROM (%s) AS audience WHERE target = ANY(%s))",
                audience,
                [target for target in value if target],
            ),
        )
        if any(not target for target in value):
            found |= Domain(
                "id", "not in", SQL("(SELECT contact FROM (%s) AS audience)", audience)
            )
        return found

    @api.model
    def _get_tier_audience_sql(self):
        """Return the query of contacts and the tiers whose newsletters they get."""
        return SQL(
            """
            SELECT person.id AS contact, given.tier_id AS target
              FROM client_tier_assignment given
              JOIN res_company company ON company.id = given.company_id
              JOIN res_partner client ON client.id = given.partner_id AND client.active
              JOIN res_partner person ON person.commercial_partner_id = client.id
             WHERE given.tier_id IS NOT NULL AND %s
            """,
            self._get_newsletter_person_sql(),
        )

    @api.model
    def _get_newsletter_audience_sql(self):
        """Return the query of contacts and the newsletters that they get: the client is
        owed it still, or got this very mailing, so that those of its people who were
        not reached get it when it is sent on."""
        return SQL(
            """
            SELECT person.id AS contact, letter.id AS target
              FROM client_newsletter letter
              JOIN res_company company ON company.id = letter.company_id
              JOIN client_touchpoint touchpoint
                ON touchpoint.company_id = letter.company_id
               AND touchpoint.cadence_id = letter.cadence_id
               AND touchpoint.year = letter.year AND touchpoint.number = letter.number
               AND (touchpoint.is_open
                    OR (touchpoint.touch_model = 'mailing.mailing'
                        AND touchpoint.touch_id = letter.mailing_id))
              JOIN res_partner client
                ON client.id = touchpoint.partner_id AND client.active
              JOIN res_partner person ON person.commercial_partner_id = client.id
             WHERE %s
            """,
            self._get_newsletter_person_sql(),
        )

    @api.model
    def _get_newsletter_person_sql(self):
        """Return the condition under which ``person``, a partner, is somebody to whom
        the newsletters of ``company`` are written, blacklisted or not."""
        return SQL(
            """
            person.active AND person.email_normalized IS NOT NULL
            AND COALESCE(person.type, 'contact') != ALL(%s)
            AND (person.company_id IS NULL OR person.company_id = ANY(
                 string_to_array(rtrim(company.parent_path, '/'), '/')::int[]))
            """,
            list(NO_NEWSLETTER_TYPES),
        )

    @api.model
    def _get_newsletter_reach_sql(self, client, company):
        """Return why newsletters reach nobody of a client, or NULL, as SQL.

        :param client: SQL of the client's id
        :param company: SQL of the id of the company that sends them
        """
        return SQL(
            """
            (SELECT CASE WHEN COUNT(*) = 0 THEN 'no_email'
                         WHEN bool_and(blocked.id IS NOT NULL) THEN 'blacklisted' END
               FROM res_company company
               JOIN res_partner person ON person.commercial_partner_id = %(client)s
               LEFT JOIN mail_blacklist blocked
                 ON blocked.email = person.email_normalized AND blocked.active
              WHERE company.id = %(company)s AND %(is_meant)s)
            """,
            client=client,
            company=company,
            is_meant=self._get_newsletter_person_sql(),
        )

    @api.model
    def _flush_audiences(self):
        """Write what the queries of audiences read."""
        for model in (
            "client.newsletter",
            "client.tier.assignment",
            "client.touchpoint",
            "mail.blacklist",
            "res.company",
            "res.partner",
        ):
            self.env[model].flush_model()
