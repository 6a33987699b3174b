from . import (
    client_tier,
    client_tier_cadence,
    client_tier_assignment,
    client_tier_change,
    client_tier_mixin,
    client_tier_review,
    client_tier_review_line,
    crm_lead,
    res_company,
    res_config_settings,
    res_partner,
    sale_order,
)
