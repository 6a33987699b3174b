from . import (
    base_partner_merge,
    client_tier_set,
    client_touchpoint_capacity,
    client_touchpoint_close,
    client_touchpoint_handover,
    client_touchpoint_preview,
)
