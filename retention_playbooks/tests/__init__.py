from . import (
    test_effect,
    test_order_rhythm,
    test_proportion,
    test_return_rates,
)
