from . import (
    test_order_rhythm,
    test_signal,
    test_signal_contact,
    test_signal_money,
    test_signal_project,
    test_signal_purchase,
    test_signal_scan,
    test_signal_security,
)
