from . import base_partner_merge, client_tier_set
