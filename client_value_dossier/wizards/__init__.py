from . import base_partner_merge, client_value_portfolio
