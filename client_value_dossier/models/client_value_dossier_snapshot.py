"""The prepared structure behind every rendering of a dossier (see the README)."""

import base64
from collections import defaultdict

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools.image import ImageProcess

from ..tools.formatting import format_date

SCHEMA = 1
# The logo is kept in the snapshot: no larger than print needs.
LOGO_SIZE = (480, 160)


class ClientValueDossier(models.Model):
    _inherit = "client.value.dossier"

    def _prepare_snapshot(self, number=""):
        """Return everything that a reader of the dossier sees, and nothing else.

        Plain data in the dossier's language: str, int, float, bool, list, dict;
        dates as ISO texts, amounts as numbers in ``currency``. The PDF, the
        workbook and whatever comes later render only this, so that an internal
        field can leak in this one place only. Without amounts it holds no money.

        :param number: the number that issuing gives it, "" for a draft
        """
        self.ensure_one()
        dossier = self.with_company(self.company_id).with_context(
            lang=self.lang,
            active_test=False,
            allowed_company_ids=self.company_id.ids,
        )
        today = fields.Date.context_today(dossier)
        entries = dossier._get_entries()
        lines = dossier._prepare_lines(entries)
        locale = dossier.env["res.lang"]._prepare_locale(dossier.lang)
        prices = dossier._get_listed_prices()
        projects = dossier._prepare_projects(prices)
        sections = dossier._prepare_sections(lines)
        total = dossier._sum_lines([line for group in lines.values() for line in group])
        return {
            "schema": SCHEMA,
            "lang": dossier.lang,
            "locale": locale,
            "number": number,
            "date": fields.Date.to_string(today),
            "title": dossier.env._("Value dossier"),
            "purpose": dossier.purpose,
            "purpose_label": dossier._get_purpose_label(),
            "company": dossier._prepare_company(),
            "client": {
                "name": dossier.partner_id.name or "",
                "address": dossier._get_address(dossier.partner_id),
                "vat": dossier.partner_id.vat or "",
            },
            "recipient": dossier._prepare_person(dossier.recipient_id),
            "prepared_by": dossier._prepare_person(
                dossier.user_id.sudo().partner_id, reachable=True
            ),
            "period": dossier._prepare_period(locale),
            "previous": dossier._prepare_previous(locale),
            "options": {
                "show_amounts": dossier.show_amounts,
                "empty_sections": dossier.empty_sections,
            },
            "currency": {
                "code": dossier.currency_id.name,
                "symbol": dossier.currency_id.symbol,
                "position": dossier.currency_id.position,
                "decimals": dossier.currency_id.decimal_places,
            },
            "introduction": dossier._get_paragraphs(dossier.introduction),
            "closing": dossier._get_paragraphs(dossier.closing),
            "figures": dossier._prepare_figures(total, prices, lines),
            "statistics": dossier._prepare_statistics(lines),
            "projects": projects,
            "contacts": dossier._prepare_contacts(),
            "sections": sections,
            "total": total,
            "evidence": dossier._prepare_evidence(entries),
            "labels": dossier._prepare_labels(),
        }

    # ------------------------------------------------------------
    # WHAT IS SHOWN
    # ------------------------------------------------------------

    def _get_entry_domain(self):
        """Return the domain of the entries that a reader may see: confirmed ones,
        visible to the client, of this company, in the chosen period and parts."""
        self.ensure_one()
        domain = (
            Domain("partner_id", "=", self.partner_id.id)
            & Domain("company_id", "=", self.company_id.id)
            & Domain(self.env["client.value.entry"]._get_given_domain())
            & Domain("client_visible", "=", True)
            & Domain("section", "in", self._get_sections())
        )
        if self.date_from:
            domain &= Domain("date", ">=", self.date_from)
        if self.date_to:
            domain &= Domain("date", "<=", self.date_to)
        if self.project_ids:
            domain &= Domain("project_id", "in", self.project_ids.ids)
        return domain

    def _get_entries(self):
        """Return the entries of the dossier, oldest first, with the user's rights."""
        entries = self.env["client.value.entry"].search(
            self._get_entry_domain(), order="date, id"
        )
        # sudo: an entry names its project and the client's manager; reading these
        # names needs no access to the project itself. Only names are taken.
        return entries.sudo()

    def _prepare_lines(self, entries):
        """Return {section: [line]} for *entries*."""
        amounts = [0.0] * len(entries)
        if self.show_amounts:
            amounts = self.env["res.currency"]._convert_many(
                [(entry.amount, entry.currency_id, entry.date) for entry in entries],
                self.currency_id,
                self.company_id,
            )
        lines = defaultdict(list)
        for entry, amount in zip(entries, amounts, strict=True):
            lines[entry.section].append(self._prepare_line(entry, amount))
        return lines

    def _prepare_line(self, entry, amount):
        """Return what is shown of one entry.

        :param amount: its worth in the dossier's currency
        """
        original = {}
        if self.show_amounts and entry.amount and entry.currency_id != self.currency_id:
            original = {"amount": entry.amount, "code": entry.currency_id.name}
        return {
            "date": fields.Date.to_string(entry.date),
            "what": entry.name,
            "description": entry.description or "",
            "category": entry.category_id.name or "",
            "project": entry.project_id.name or "",
            "contact": entry.contact_id.name or "",
            "hours": entry.hours,
            "days": entry.days,
            "amount": amount if self.show_amounts else None,
            "original": original,
        }

    def _sum_lines(self, lines):
        """Return the subtotal of *lines*."""
        return {
            "count": len(lines),
            "amount": self.currency_id.round(sum(line["amount"] for line in lines))
            if self.show_amounts
            else None,
            "hours": round(sum(line["hours"] for line in lines), 2),
            "days": round(sum(line["days"] for line in lines), 2),
        }

    def _prepare_sections(self, lines):
        """Return the chosen sections with their lines; empty ones if wanted."""
        hints = self._get_section_hints()
        return [
            {
                "code": code,
                "label": label,
                "hint": hints[code],
                "empty_text": self.env._("Nothing to report in this period."),
                "lines": lines[code],
                "subtotal": self._sum_lines(lines[code]),
            }
            for code, label in self._get_section_labels()
            if lines[code] or self.empty_sections == "line"
        ]

    def _get_section_labels(self):
        """Return [(code, label)] of the chosen sections in the dossier's language."""
        chosen = self._get_sections()
        labels = self.env["client.value.category"]._fields["section"]
        return [
            (code, label)
            for code, label in labels._description_selection(self.env)
            if code in chosen
        ]

    def _get_section_hints(self):
        """Return {section: one line that says what the section is about}."""
        _ = self.env._
        return {
            "concession": _(
                "Expenses, discounts and advice for which we did not charge."
            ),
            "benefit": _("What the work together brought on top of the projects."),
            "flexibility": _("Postponements and changes taken on at no extra price."),
            "special": _("Work outside our usual offer, or done in an unusual way."),
        }

    def _prepare_figures(self, total, prices, lines):
        """Return the key figures, in order."""
        _ = self.env._
        years = self.partner_id._get_years_together(self.date_to)
        figures = [("years", _("Years together"), "years", years)]
        if self.with_projects:
            figures.append(("projects", _("Projects"), "count", len(prices)))
        if self.show_amounts:
            revenue = self._get_revenue(prices)
            figures.append(("revenue", _("Volume of work"), "amount", revenue))
            figures.append(("worth", _("Worth given"), "amount", total["amount"]))
        figures.append(("hours", _("Free hours"), "hours", total["hours"]))
        figures.append(("days", _("Deadline days granted"), "days", total["days"]))
        if self.with_special:
            special = len(lines["special"])
            figures.append(("special", _("Special arrangements"), "count", special))
        return [
            {"code": code, "label": label, "kind": kind, "value": value}
            for code, label, kind, value in figures
        ]

    def _get_revenue(self, prices):
        """Return the client's untaxed revenue in the period, in the dossier's
        currency; for a choice of projects, what these were sold for."""
        if self.project_ids:
            return self.currency_id.round(sum(prices.values()))
        return self.partner_id._get_client_revenue(
            self.date_from, self.date_to, self.currency_id
        )

    def _prepare_statistics(self, lines):
        """Return worth, hours and days by section and by year."""
        labels = self._get_section_labels()
        years = defaultdict(lambda: defaultdict(list))
        for code, _label in labels:
            for line in lines[code]:
                years[int(line["date"][:4])][code].append(line)
        measure = (
            "amount"
            if self.show_amounts
            and any(line["amount"] for group in lines.values() for line in group)
            else "count"
        )
        statistics = {"measure": measure, "sections": [], "years": []}
        for code, label in labels:
            statistics["sections"].append(
                {"code": code, "label": label, **self._sum_lines(lines[code])}
            )
        for year in sorted(years):
            sums = {code: self._sum_lines(years[year][code]) for code, _l in labels}
            everything = [line for group in years[year].values() for line in group]
            statistics["years"].append(
                {
                    "year": year,
                    "count": len(everything),
                    "amount": self._sum_lines(everything)["amount"],
                    "by_section": {code: sums[code][measure] for code, _l in labels},
                }
            )
        return statistics

    def _get_listed_prices(self):
        """Return {project: price} of the projects of the period, oldest first; {}
        where nothing is said about projects."""
        if not self.with_projects and not self.project_ids:
            return {}
        # sudo: the account manager shows the client its own projects, also those
        # that he is not a follower of. Names, dates and prices only.
        projects = (
            self.env["project.project"]
            .sudo()
            .search(self._get_project_domain(), order="date_start, id")
        )
        prices = self._get_project_prices(projects)
        return {project: prices.get(project, 0.0) for project in projects}

    def _prepare_projects(self, prices):
        """Return the client's projects of the period with their prices."""
        if not self.with_projects:
            return {"shown": False, "lines": [], "total": None}
        lines = []
        for project, price in prices.items():
            partner = project.partner_id
            contact = partner if partner != self.partner_id else partner.browse()
            lines.append(
                {
                    "name": project.name or "",
                    "contact": contact.name or "",
                    "manager": project.user_id.name or "",
                    "from": fields.Date.to_string(project.date_start) or "",
                    "to": fields.Date.to_string(project.date) or "",
                    "price": price if self.show_amounts else None,
                }
            )
        total = None
        if self.show_amounts:
            total = self.currency_id.round(sum(prices.values()))
        return {"shown": True, "lines": lines, "total": total}

    def _get_project_domain(self):
        """Return the domain of the projects that are listed."""
        domain = self.partner_id._get_client_project_domain() & Domain(
            "company_id", "in", [self.company_id.id, False]
        )
        if self.project_ids:
            domain &= Domain("id", "in", self.project_ids.ids)
        if self.date_from:
            domain &= Domain("date", "=", False) | Domain("date", ">=", self.date_from)
        if self.date_to:
            domain &= Domain("date_start", "=", False) | Domain(
                "date_start", "<=", self.date_to
            )
        return domain

    def _get_project_prices(self, projects):
        """Return {project: untaxed price} of confirmed orders, in the dossier's
        currency. A line counts for the project that it made, else for the order's
        project; down payments are part of the price, not added to it."""
        orders = (
            projects.sale_line_id.order_id
            | self.env["sale.order"]
            .sudo()
            .search(
                Domain("state", "=", "sale")
                & Domain("company_id", "=", self.company_id.id)
                & (
                    Domain("project_id", "in", projects.ids)
                    | Domain("order_line.project_id", "in", projects.ids)
                )
            )
        ).filtered(lambda order: order.state == "sale")
        project_of_order = {
            project.sale_line_id.order_id: project for project in projects[::-1]
        }
        owners, amounts = [], []
        for line in orders.order_line:
            order = line.order_id
            project = line.project_id or order.project_id or project_of_order.get(order)
            if line.display_type or line.is_downpayment or project not in projects:
                continue
            date = fields.Date.context_today(self, order.date_order)
            owners.append(project)
            amounts.append((line.price_subtotal, line.currency_id, date))
        prices = defaultdict(float)
        converted = self.env["res.currency"]._convert_many(
            amounts, self.currency_id, self.company_id
        )
        for project, amount in zip(owners, converted, strict=True):
            prices[project] += amount
        return prices

    def _prepare_contacts(self):
        """Return the client's managers over time (demand D1): the people named by
        entries, orders and projects, with the first and last date of each. The
        whole time together, also in a dossier of one year or project."""
        today = self.date_to or fields.Date.context_today(self)
        periods = {}

        def note(contact, first, last, projects=0):
            if not contact or contact == self.partner_id or not (first or last):
                return
            if first > today:
                return
            last = min(last, today)
            known = periods.setdefault(contact, [first, last, 0])
            known[0] = min(filter(None, (known[0], first)))
            known[1] = max(filter(None, (known[1], last)))
            known[2] += projects

        # sudo: names and dates of the client's own people, who the user may see
        entries = self.env["client.value.entry"].sudo()
        for contact, first, last in entries._read_group(
            [
                ("partner_id", "=", self.partner_id.id),
                ("company_id", "=", self.company_id.id),
                ("contact_id", "!=", False),
                ("client_visible", "=", True),
                *entries._get_given_domain(),
            ],
            ["contact_id"],
            ["date:min", "date:max"],
        ):
            note(contact, first, last)
        for contact, first, last in (
            self.env["sale.order"]
            .sudo()
            ._read_group(
                [
                    ("partner_id", "child_of", self.partner_id.ids),
                    ("company_id", "=", self.company_id.id),
                    ("state", "=", "sale"),
                ],
                ["partner_id"],
                ["date_order:min", "date_order:max"],
            )
        ):
            note(contact, first.date(), last.date())
        for contact, first, last, count in (
            self.env["project.project"]
            .sudo()
            ._read_group(
                self.partner_id._get_client_project_domain()
                & Domain("company_id", "in", [self.company_id.id, False]),
                ["partner_id"],
                ["date_start:min", "date:max", "__count"],
            )
        ):
            note(contact, first or last, last or first, count)
        recently = fields.Date.subtract(today, years=1)
        return [
            {
                "name": contact.name or "",
                "position": contact.function or "",
                "from": fields.Date.to_string(first),
                "to": fields.Date.to_string(last),
                "projects": count,
                "current": contact.active
                and contact.commercial_partner_id == self.partner_id
                and (last >= recently or contact == self.recipient_id),
            }
            for contact, (first, last, count) in sorted(
                periods.items(), key=lambda item: (item[1][0], item[1][1], item[0].id)
            )
        ]

    def _prepare_evidence(self, entries):
        """Return the names of the evidence files of *entries*."""
        # *entries* are in sudo: only the files' names are taken
        return [
            {
                "file": attachment.name or "",
                "date": fields.Date.to_string(entry.date),
                "what": entry.name,
            }
            for entry in entries
            for attachment in entry.attachment_ids
        ]

    # ------------------------------------------------------------
    # HEADING
    # ------------------------------------------------------------

    def _prepare_company(self):
        """Return our masthead."""
        company = self.company_id.sudo()  # sudo: a letterhead is public
        return {
            "name": company.name,
            "address": self._get_address(company.partner_id),
            "phone": company.phone or "",
            "email": company.email or "",
            "website": company.website or "",
            "vat": company.vat or "",
            "logo": self._get_logo(),
            "colour": company.primary_color or "",
        }

    def _get_logo(self):
        """Return the company's logo as base64 of a small PNG, "" without one."""
        company = self.company_id.sudo()  # sudo: a letterhead is public
        if company.uses_default_logo or not company.logo:
            return ""
        try:
            image = ImageProcess(base64.b64decode(company.logo))
            image.resize(*LOGO_SIZE)
            return base64.b64encode(image.image_quality(output_format="PNG")).decode()
        except (UserError, ValueError, OSError):
            # A logo that cannot be read must not keep the dossier from being made.
            return ""

    def _get_address(self, partner):
        """Return the address of *partner* as a list of lines."""
        address = partner.sudo()._display_address(without_company=True)
        return [" ".join(line.split()) for line in address.splitlines() if line.strip()]

    def _prepare_person(self, partner, reachable=False):
        """Return name and position of *partner*, also e-mail and phone if
        *reachable*; {} for nobody."""
        if not partner:
            return {}
        person = {"name": partner.name or "", "position": partner.function or ""}
        if reachable:
            person.update(email=partner.email or "", phone=partner.phone or "")
        return person

    def _prepare_period(self, locale):
        """Return the period, from the beginning of the work together if open."""
        first = self.date_from or self.partner_id.client_since
        last = self.date_to or fields.Date.context_today(self)
        period = {
            "from": fields.Date.to_string(first) or "",
            "to": fields.Date.to_string(last),
        }
        period["label"] = " – ".join(
            format_date(date, locale) for date in period.values() if date
        )
        return period

    def _prepare_previous(self, locale):
        """Return the issued dossier that this one continues, {} if none."""
        previous = self.previous_id.sudo()  # sudo: number and date, named on paper
        if not previous or previous.state == "draft":
            return {}
        _ = self.env._
        date = fields.Date.to_string(
            fields.Datetime.context_timestamp(self, previous.issued_on)
        )
        words = {"number": previous.name, "date": format_date(date, locale)}
        if previous.state == "cancelled":
            text = _("Replaces the cancelled dossier %(number)s of %(date)s.", **words)
        else:
            text = _("Continues the dossier %(number)s of %(date)s.", **words)
        return {
            "number": previous.name,
            "date": date,
            "text": text,
        }

    # ------------------------------------------------------------
    # WORDS
    # ------------------------------------------------------------

    def _get_purpose_label(self):
        _ = self.env._
        return {
            "new_manager": _("For a new client manager"),
            "departing": _("Looking back on our work together"),
            "review": _("For our review meeting"),
            "internal": _("For internal use"),
        }[self.purpose]

    def _get_introduction(self):
        """Return the default introduction for purpose and language."""
        self.ensure_one()
        if not self.partner_id or not self.lang:
            return False
        env = self.with_context(lang=self.lang).env
        _ = env._
        words = {
            "client": self.partner_id.name,
            "company": self.company_id.name,
        }
        return {
            "new_manager": _(
                "You have taken over the work with %(company)s at %(client)s. This "
                "dossier shows what we have done together so far, and what we did "
                "beyond the contracts, so that you can judge us by facts from the "
                "first day.",
                **words,
            ),
            "departing": _(
                "Before our ways part we would like to look back on what %(company)s "
                "and %(client)s achieved together, and on what we contributed beyond "
                "the contracts. A fair comparison with another offer needs these "
                "figures too.",
                **words,
            ),
            "review": _(
                "This dossier sums up what %(company)s did for %(client)s beyond the "
                "contracts. It is meant as the ground for our review meeting: are the "
                "goals met, and what can we do better?",
                **words,
            ),
            "internal": _(
                "What we did for %(client)s beyond the contracts, for our own team: "
                "to know it, to respect it, and to talk about it.",
                **words,
            ),
        }[self.purpose]

    def _get_closing(self):
        """Return the default closing words for purpose and language."""
        self.ensure_one()
        if not self.partner_id or not self.lang:
            return False
        env = self.with_context(lang=self.lang).env
        _ = env._
        return {
            "new_manager": _(
                "We look forward to the work with you and are glad to tell you more "
                "about every line of this dossier in person."
            ),
            "departing": _(
                "Thank you for the trust of these years. Our door stays open."
            ),
            "review": _("Thank you for the work together."),
            "internal": False,
        }[self.purpose]

    def _get_paragraphs(self, text):
        """Return the non-empty lines of *text* as paragraphs."""
        return [line.strip() for line in (text or "").splitlines() if line.strip()]

    def _prepare_labels(self):
        """Return every fixed word that a reader sees, in the dossier's language."""
        _ = self.env._
        return {
            "prepared_for": _("Prepared for"),
            "prepared_by": _("Prepared by"),
            "client": _("Client"),
            "period": _("Period"),
            "number": _("Number"),
            "date": _("Date"),
            "draft": _("Draft"),
            "cancelled": _("Cancelled"),
            "page": _("Page"),
            "of": _("of"),
            "key_figures": _("Key figures"),
            "statistics": _("Statistics"),
            "by_year": _("By year"),
            "by_section": _("By section"),
            "year": _("Year"),
            "projects": _("Projects"),
            "project": _("Project"),
            "contact": _("Client's manager"),
            "contacts": _("Client's managers"),
            "position": _("Position"),
            "manager": _("Our manager"),
            "from": _("From"),
            "to": _("To"),
            "today": _("today"),
            "price": _("Price"),
            "what": _("What"),
            "category": _("Category"),
            "hours": _("Hours"),
            "days": _("Days"),
            "worth": _("Worth"),
            "count": _("Entries"),
            "subtotal": _("Subtotal"),
            "total": _("Total"),
            "evidence": _("Evidence on file"),
            "file": _("File"),
            "description": _("Details"),
            "section": _("Section"),
            "amount": _("Amount"),
            "currency": _("Currency"),
            "original": _("Original amount"),
            "years_unit": _("years"),
            "hours_unit": _("hrs"),
            "days_unit": _("days"),
            "entries": _("All entries"),
            "no_projects": _("No projects in this period."),
            "tax_note": _("All amounts without tax."),
        }
