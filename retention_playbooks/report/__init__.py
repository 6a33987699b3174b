from . import (
    retention_revenue_mixin,
    retention_effect_client,
    retention_effect,
    retention_win_back_result,
    retention_client_quarter,
    retention_risk_case,
    retention_effect_workbook,
)
