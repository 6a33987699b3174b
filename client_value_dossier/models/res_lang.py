import json

from odoo import models


class ResLang(models.Model):
    _inherit = "res.lang"

    def _prepare_locale(self, code):
        """Return how numbers and dates are written in a language, as a snapshot
        keeps it and ``tools/formatting.py`` reads it.

        :param code: code of an installed language, such as ``en_US``
        """
        lang = self._lang_get(code)
        return {
            "date_format": lang.date_format,
            "decimal_point": lang.decimal_point,
            "thousands_sep": lang.thousands_sep or "",
            "grouping": json.loads(lang.grouping),
            "direction": lang.direction,
        }
