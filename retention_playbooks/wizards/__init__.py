from . import (
    base_partner_merge,
    crm_lead_lost,
    retention_client_lost,
    retention_complaint,
    retention_signal_handle,
)
