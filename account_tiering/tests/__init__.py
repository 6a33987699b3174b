from . import (
    test_cadence,
    test_company,
    test_pareto,
    test_partner,
    test_pricelist,
    test_review,
    test_scheduled_review,
    test_security,
    test_tier,
    test_tours,
    test_touchpoint_plan,
    test_workbook,
)
