from . import test_order_rhythm
