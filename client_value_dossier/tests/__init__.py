from . import (
    test_category,
    test_dossier,
    test_entry,
    test_entry_follow,
    test_entry_import,
    test_partner,
    test_portfolio,
    test_security,
    test_snapshot,
)
