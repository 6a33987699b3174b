import re
import unicodedata

from odoo import api, fields, models

SECTIONS = [
    ("concession", "Concessions"),
    ("benefit", "Benefits"),
    ("flexibility", "Flexibility"),
    ("special", "Special arrangements"),
]


class ClientValueCategory(models.Model):
    """A kind of favour, filed under one of the dossier's four sections."""

    _name = "client.value.category"
    _description = "Client Value Category"
    _order = "section, sequence, name, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        copy=False,
        help="Short technical name, for imports and integrations. "
        "Left empty, it is made from the name.",
    )
    section = fields.Selection(
        selection=SECTIONS,
        required=True,
        default="concession",
        help="The part of the dossier where the entries of this category appear.",
    )
    description = fields.Text(
        translate=True,
        help="Tells your colleagues what belongs here. It is not printed.",
    )
    client_visible = fields.Boolean(
        string="Visible to Client",
        default=True,
        help="What new entries of this category start with. Only visible entries "
        "are printed in a dossier.",
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    entry_count = fields.Integer(compute="_compute_entry_count", string="Entries")

    _code_uniq = models.Constraint(
        "UNIQUE(code)", "Another category has this code: choose a different one."
    )

    def _compute_entry_count(self):
        counts = dict(
            self.env["client.value.entry"]._read_group(
                [("category_id", "in", self.ids)], ["category_id"], ["__count"]
            )
        )
        for category in self:
            category.entry_count = counts.get(category, 0)

    @api.model_create_multi
    def create(self, vals_list):
        codes = {vals["code"] for vals in vals_list if vals.get("code")}
        coded = []
        for vals in vals_list:
            code = vals.get("code")
            if not code:
                code = self._get_free_code(vals.get("name") or "", codes)
                codes.add(code)
            coded.append(dict(vals, code=code))
        return super().create(coded)

    def copy_data(self, default=None):
        vals_list = super().copy_data(default=default)
        if "name" not in (default or {}):
            for category, vals in zip(self, vals_list, strict=True):
                vals["name"] = self.env._("%s (copy)", category.name)
        return vals_list

    @api.model
    def _get_free_code(self, name, reserved=()):
        """Return a code for a category called *name* that is not yet taken.

        :param reserved: codes that are about to be created, also not to be used
        """
        latin = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        stem = re.sub(r"[^a-z0-9]+", "_", latin.lower()).strip("_") or "category"
        taken = set(
            self.with_context(active_test=False)
            .search([("code", "=like", f"{stem}%")])
            .mapped("code")
        ).union(reserved)
        code, number = stem, 1
        while code in taken:
            number += 1
            code = f"{stem}_{number}"
        return code

    def action_view_entries(self):
        """Open the entries of these categories."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "client_value_dossier.client_value_entry_action"
        )
        action["domain"] = [("category_id", "in", self.ids)]
        return action
