"""Spreadsheets in (demand D9): whole sheets are checked before a row is written."""

from collections import defaultdict

from odoo import api, fields, models
from odoo.fields import Domain

from ..tools.import_template import write_import_template

# Names per query when clients, projects and contacts are looked up.
LOOKUP_BATCH = 500
# Columns whose text is resolved here, with the field that holds the result.
RELATIONS = ("partner_id", "contact_id", "project_id", "category_id", "currency_id")
FIGURES = ("amount", "hours", "days")
# Columns of the template that are not plain text, and those that need room.
TEMPLATE_KINDS = {
    "date": "date",
    "amount": "number",
    "hours": "number",
    "days": "number",
}
TEMPLATE_WIDTHS = {
    "partner_id": 28,
    "contact_id": 24,
    "project_id": 28,
    "category_id": 26,
    "name": 50,
    "description": 50,
}
# What makes two rows the same favour.
IDENTITY = (
    "partner_id",
    "project_id",
    "category_id",
    "date",
    "name",
    "hours",
    "days",
    "amount",
)


def _key(text):
    """Return *text* as it is compared: no case, single spaces."""
    return " ".join(str(text or "").split()).casefold()


class ClientValueEntry(models.Model):
    _inherit = "client.value.entry"

    @api.model
    def get_import_templates(self):
        return [
            {
                "label": self.env._("Template for Value Entries"),
                "template": "/client_value_dossier/import_template.xlsx",
            }
        ]

    @api.model
    def load(self, fields, data):
        """Check the whole sheet first: a wrong row is named with its remedy and
        nothing is imported, also when the import runs in batches.

        Clients, client's managers, projects, categories and currencies are found
        by what people write in a sheet: name (whatever its case), reference, VAT
        number, category code or section, currency code.
        """
        fields, data, messages = self._prepare_import(list(fields), data)
        if messages:
            return {"ids": False, "messages": messages, "nextrow": 0}
        return super().load(fields, data)

    @api.model
    def _write_import_template(self, target):
        """Write the sheet to fill in, with the user's labels and categories.

        :param target: path or binary file object
        """
        write_import_template(
            target,
            self._prepare_import_columns(),
            self.env._("Value entries"),
            self.env._("Lists"),
        )

    @api.model
    def _prepare_import_columns(self):
        """Return the template's columns as ``write_import_template`` takes them."""
        active = Domain("active", "=", True)
        choices = {
            "category_id": self.env["client.value.category"].search(active),
            "currency_id": self.env["res.currency"].search(active),
        }
        helps = self._get_import_helps()
        labels = self.fields_get(list(helps), ["string"])
        labels["id"] = {"string": self.env._("External ID")}
        return [
            {
                "label": labels[fname]["string"],
                "kind": TEMPLATE_KINDS.get(fname, "text"),
                "width": TEMPLATE_WIDTHS.get(fname, 12),
                "help": text,
                "choices": choices[fname].mapped("name") if fname in choices else [],
            }
            for fname, text in helps.items()
        ]

    @api.model
    def _get_import_helps(self):
        """Return {field name: what to write there} of the template's columns."""
        _ = self.env._
        return {
            "id": _("Your own number of the row: importing it again updates."),
            "date": _("When it was done."),
            "partner_id": _("Name, reference or VAT number of the client."),
            "contact_id": _("Who was in charge on the client's side."),
            "project_id": _("Name of the project, if there is one."),
            "category_id": _("A category of the list, or just a section."),
            "name": _("What was done, in words that the client may read."),
            "amount": _("Worth without tax; empty: hours times rate."),
            "currency_id": _("Currency code, such as EUR."),
            "hours": _("Hours given."),
            "days": _("Days by which a deadline was moved."),
            "description": _("Details that the client may read."),
        }

    @api.model
    def _load_records(self, data_list, update=False):
        """An empty cell means *not given*, so that client, currency and worth are
        filled in as in the form."""
        for data in data_list:
            values = data["values"]
            for fname in ("partner_id", "currency_id", "rate"):
                if fname in values and not values[fname]:
                    del values[fname]
            if values.get("hours") and not values.get("amount"):
                values.pop("amount", None)
        return super()._load_records(data_list, update=update)

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    @api.model
    def _prepare_import(self, columns, data):
        """Resolve names to records and find what is wrong with the rows.

        :param columns: field path of each column
        :param data: list of rows, a list of texts each
        :return: (columns, rows, messages) as ``load`` takes and returns them
        """
        position = {column: index for index, column in enumerate(columns)}
        rows = [
            _ImportRow(number, values, position)
            for number, values in enumerate(data)
            if any(values)
        ]
        # Further lines of a record (several attachments) carry no client.
        main = [row for row in rows if row.text("partner_id") or row.text("name")]
        for fname, resolve in self._get_import_resolvers().items():
            if fname in position:
                resolve(main)
        self._check_import_figures(main)
        kept = [row for row in rows if not row.skipped]
        self._check_import_duplicates(
            [row for row in main if not row.skipped and not row.errors]
        )
        messages = [message for row in kept for message in row.errors]
        messages += self._prepare_import_summaries(kept)
        resolved = [fname for fname in RELATIONS if fname in position]
        columns = [f"{name}/.id" if name in resolved else name for name in columns]
        if "contact_id" not in position and any(
            row.ids.get("contact_id") for row in kept
        ):
            columns.append("contact_id/.id")
            for row in kept:
                row.values.append("")
            position["contact_id"] = len(columns) - 1
            resolved.append("contact_id")
        for row in kept:
            for fname in resolved:
                row.values[position[fname]] = str(row.ids.get(fname) or "")
        return columns, [row.values for row in kept], messages

    @api.model
    def _get_import_resolvers(self):
        """Return {field name: method}, in the order in which they must run; a
        method takes the rows and sets ``row.ids[field name]`` or an error."""
        return {
            "category_id": self._resolve_import_category,
            "currency_id": self._resolve_import_currency,
            "partner_id": self._resolve_import_client,
            "contact_id": self._resolve_import_contact,
            "project_id": self._resolve_import_project,
        }

    @api.model
    def _resolve_import_category(self, rows):
        known = {}
        sections = dict(
            self.env["client.value.category"]
            ._fields["section"]
            ._description_selection(self.env)
        )
        categories = self.env["client.value.category"].search(
            Domain("active", "=", True)
        )
        for category in categories:
            # The sheet may name just the section: its first category serves.
            known.setdefault(_key(category.section), category)
            known.setdefault(_key(sections[category.section]), category)
        for lang in {self.env.lang or "en_US", "en_US"}:
            for category in categories.with_context(lang=lang):
                known[_key(category.name)] = category
                known[_key(category.code)] = category
        for row in rows:
            key = _key(row.text("category_id"))
            if key and key not in known and self._may_import_create("category_id"):
                # In the first section, until somebody files it elsewhere.
                known[key] = categories.create({"name": row.text("category_id")})
            self._set_import_match(
                row,
                "category_id",
                known.get(key),
                self.env._(
                    "Use one of the names under Dossiers > Configuration > "
                    "Categories, or add it there."
                ),
            )

    @api.model
    def _resolve_import_currency(self, rows):
        texts = {row.text("currency_id") for row in rows}
        currencies = (
            self.env["res.currency"]
            .with_context(active_test=False)
            .search(
                Domain("name", "in", [text.upper() for text in texts])
                | Domain("symbol", "in", list(texts))
            )
        )
        known = {}
        for currency in currencies.sorted(lambda currency: currency.active):
            known[_key(currency.symbol)] = currency
        for currency in currencies:
            known[_key(currency.name)] = currency
        for row in rows:
            currency = known.get(_key(row.text("currency_id")))
            if currency and not currency.active:
                row.add_error(
                    self.env._(
                        "The currency %(currency)s (row %(row)s) is not active. "
                        "Activate it in the list of currencies first.",
                        currency=currency.name,
                        row=row.label,
                    )
                )
                continue
            self._set_import_match(
                row,
                "currency_id",
                currency,
                self.env._("Use a currency code such as EUR."),
            )

    @api.model
    def _resolve_import_client(self, rows):
        matches = self._search_import_partners(
            {row.text("partner_id") for row in rows if row.text("partner_id")}
        )
        created = {}
        for row in rows:
            key = _key(row.text("partner_id"))
            partners = matches.get(key, self.env["res.partner"])
            clients = partners.commercial_partner_id
            if len(clients) > 1:
                row.add_error(
                    self.env._(
                        "%(count)s clients are called “%(name)s” (row %(row)s). Write "
                        "the reference or VAT number of the right one instead.",
                        count=len(clients),
                        name=row.text("partner_id"),
                        row=row.label,
                    )
                )
                continue
            if not clients and key and self._may_import_create("partner_id"):
                if key not in created:
                    created[key] = self._create_import_client(row.text("partner_id"))
                clients = created[key]
            self._set_import_match(
                row,
                "partner_id",
                clients,
                self.env._(
                    "Create the client in Contacts first, or correct the name, "
                    "reference or VAT number."
                ),
            )
            if clients and not row.text("contact_id") and clients not in partners:
                row.ids["contact_id"] = partners[:1].id

    @api.model
    def _search_import_partners(self, texts):
        """Return {key: partners} for names, references and VAT numbers."""
        matches = defaultdict(self.env["res.partner"].browse)
        texts = sorted(texts)
        for start in range(0, len(texts), LOOKUP_BATCH):
            batch = texts[start : start + LOOKUP_BATCH]
            partners = (
                self.env["res.partner"]
                .with_context(active_test=False)
                .search(
                    Domain.OR(
                        [Domain("ref", "in", batch), Domain("vat", "in", batch)]
                        + [Domain("name", "=ilike", _like(text)) for text in batch]
                    )
                )
            )
            # Active partners win over archived ones of the same name.
            for partner in partners.sorted("active", reverse=True):
                for text in (partner.name, partner.ref, partner.vat):
                    key = _key(text)
                    if key and (partner.active or not matches[key]):
                        matches[key] |= partner
        return matches

    @api.model
    def _resolve_import_contact(self, rows):
        self._resolve_import_child(
            rows,
            "contact_id",
            owner="parent_id",
            client=lambda contact: contact.commercial_partner_id,
            remedy=self.env._("Add this person to the contacts of the client first."),
        )

    @api.model
    def _resolve_import_project(self, rows):
        self._resolve_import_child(
            rows,
            "project_id",
            owner="partner_id",
            client=lambda project: project.partner_id.commercial_partner_id,
            remedy=self.env._("Check its name and that it belongs to this client."),
        )

    @api.model
    def _resolve_import_child(self, rows, fname, owner, client, remedy):
        """Find records that belong to a row's client by their names.

        :param owner: field of these records that names the client, for new ones
        :param client: function that returns a record's client
        """
        model = self.env[self._fields[fname].comodel_name]
        known = defaultdict(model.browse)
        for record in self._search_import_children(model._name, fname, rows):
            known[client(record).id, _key(record.name)] |= record
        for row in rows:
            owner_id = row.ids.get("partner_id")
            key = (owner_id, _key(row.text(fname)))
            if owner_id and key[1] and key not in known:
                if self._may_import_create(fname):
                    known[key] = model.create(
                        {"name": row.text(fname), owner: owner_id}
                    )
            self._set_import_match(
                row, fname, known.get(key, model)[:1], remedy, needs_client=True
            )

    @api.model
    def _search_import_children(self, model, fname, rows):
        """Return the records of *model* that belong to the rows' clients and are
        named in the rows' column *fname*."""
        names = sorted({row.text(fname) for row in rows if row.text(fname)})
        clients = {row.ids.get("partner_id") for row in rows} - {None, False}
        parent = "id" if model == "res.partner" else "partner_id"
        found = self.env[model]
        for start in range(0, len(names), LOOKUP_BATCH):
            batch = names[start : start + LOOKUP_BATCH]
            found |= (
                self.env[model]
                .with_context(active_test=False)
                .search(
                    Domain(parent, "child_of", list(clients))
                    & Domain.OR([Domain("name", "=ilike", _like(t)) for t in batch])
                )
            )
        return found

    @api.model
    def _create_import_client(self, name):
        """Create a client that the user chose to have created."""
        return self.env["res.partner"].create({"name": name, "is_company": True})

    @api.model
    def _may_import_create(self, fname):
        """Tell whether the user chose *Create new values* for a column."""
        return (self.env.context.get("name_create_enabled_fields") or {}).get(fname)

    @api.model
    def _set_import_match(self, row, fname, record, remedy, needs_client=False):
        """Note the record found for a cell, or the error and its remedy; the
        import screen's choices *skip record* and *set empty* are obeyed."""
        text = row.text(fname)
        if record:
            row.ids[fname] = record.id
        elif not text or (needs_client and not row.ids.get("partner_id")):
            return
        elif fname in self.env.context.get("import_skip_records", []):
            row.skipped = True
        elif fname not in self.env.context.get("import_set_empty_fields", []):
            label = self._fields[fname].get_description(self.env)["string"]
            row.unmatched.append(fname)
            row.add_error(
                self.env._(
                    "%(field)s “%(value)s” (row %(row)s) was not found. %(remedy)s",
                    field=label,
                    value=text,
                    row=row.label,
                    remedy=remedy,
                )
            )

    @api.model
    def _check_import_figures(self, rows):
        for row in rows:
            for fname in FIGURES:
                if row.number(fname) < 0:
                    row.add_error(
                        self.env._(
                            "%(field)s in row %(row)s is negative (%(value)s). Enter "
                            "what the client gained as a positive figure.",
                            field=self._fields[fname].get_description(self.env)[
                                "string"
                            ],
                            row=row.label,
                            value=row.text(fname),
                        )
                    )

    @api.model
    def _check_import_duplicates(self, rows):
        """Refuse a row that repeats another or, having no external id to update
        by, an entry that is already in Odoo."""
        seen, external = {}, {}
        new_rows = {}
        for row in rows:
            xmlid = row.text("id") or row.text(".id")
            if xmlid and xmlid in external:
                row.add_error(
                    self.env._(
                        "Row %(row)s has the same external ID as row %(other)s: give "
                        "each row its own.",
                        row=row.label,
                        other=external[xmlid],
                    )
                )
            elif xmlid:
                external[xmlid] = row.label
            identity = row.identity()
            if not identity:
                continue
            if identity in seen:
                row.add_error(
                    self.env._(
                        "Row %(row)s repeats row %(other)s: remove one of them, or "
                        "describe them differently.",
                        row=row.label,
                        other=seen[identity],
                    )
                )
            else:
                seen[identity] = row.label
                if not xmlid:
                    new_rows[identity] = row
        existing = self._search_import_existing(new_rows)
        for identity in existing & new_rows.keys():
            row = new_rows[identity]
            row.add_error(
                self.env._(
                    "Row %s is already in Odoo: remove it from the sheet. To update "
                    "entries by a sheet, export them with their external ID first.",
                    row.label,
                )
            )

    @api.model
    def _search_import_existing(self, identities):
        """Return which of *identities* exist as entries."""
        if not identities:
            return set()
        clients = {identity[0] for identity in identities}
        dates = [identity[3] for identity in identities]
        entries = self.search_fetch(
            [
                ("partner_id", "in", list(clients)),
                ("date", ">=", min(dates)),
                ("date", "<=", max(dates)),
            ],
            IDENTITY,
        )
        # A row without a worth got hours times rate: its worth is not compared.
        return {
            (
                entry.partner_id.id,
                entry.project_id.id or False,
                entry.category_id.id,
                fields.Date.to_string(entry.date),
                _key(entry.name),
                round(entry.hours, 2),
                round(entry.days, 2),
                amount,
            )
            for entry in entries
            for amount in (round(entry.amount, 2), None)
        }

    @api.model
    def _prepare_import_summaries(self, rows):
        """Return one message for each column that has unknown values: the import
        screen then offers what can be done about them (create, skip, empty)."""
        unmatched = defaultdict(list)
        for row in rows:
            for fname in row.unmatched:
                unmatched[fname].append(row)
        return [
            {
                "type": "error",
                "field": fname,
                "record": wrong[0].index,
                "rows": {"from": wrong[0].index, "to": wrong[-1].index},
                "message": self.env._(
                    "Not found: %s. The rows and what to do are listed above.",
                    len(wrong),
                ),
            }
            for fname, wrong in unmatched.items()
        ]


def _like(text):
    """Return *text* escaped for an ``=ilike`` search."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


class _ImportRow:
    """A row of the sheet while it is being checked."""

    def __init__(self, index, values, position):
        self.index = index
        # The sheet's own number: its first row holds the column names.
        self.label = index + 2
        self.values = list(values)
        self.position = position
        self.ids = {}
        self.errors = []
        self.unmatched = []
        self.skipped = False

    def text(self, column):
        """Return the cell of *column* as stripped text, "" without the column."""
        index = self.position.get(column)
        value = None if index is None else self.values[index]
        return str(value).strip() if value not in (None, False) else ""

    def number(self, column):
        """Return a cell as a number; 0.0 when it is none, Odoo's own import
        names those rows."""
        try:
            return float(self.text(column) or 0.0)
        except ValueError:
            return 0.0

    def identity(self):
        """Return what makes two rows the same favour, None if it is not known."""
        date = self.text("date")[:10]
        try:
            fields.Date.to_date(date)
        except ValueError:
            return None
        if not (self.ids.get("partner_id") and self.ids.get("category_id") and date):
            return None
        return (
            self.ids["partner_id"],
            self.ids.get("project_id") or False,
            self.ids["category_id"],
            date,
            _key(self.text("name")),
            round(self.number("hours"), 2),
            round(self.number("days"), 2),
            round(self.number("amount"), 2) if self.text("amount") else None,
        )

    def add_error(self, text):
        """Note what is wrong with the row, in words that tell the remedy."""
        self.errors.append(
            {
                "type": "error",
                "message": text,
                "record": self.label,
                "rows": {"from": self.index, "to": self.index},
            }
        )
