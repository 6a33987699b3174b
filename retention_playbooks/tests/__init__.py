from . import (
    test_cohort,
    test_effect,
    test_lapse,
    test_order_rhythm,
    test_proportion,
    test_return_rates,
    test_score,
    test_season,
)
