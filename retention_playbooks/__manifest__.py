{
    "name": "Retention Playbooks",
    "summary": "Notice early which clients need you, and act the same day",
    "version": "19.0.1.0.0",
    "category": "Sales/CRM",
    "license": "LGPL-3",
    "author": "Client Value CRM",
    "depends": [
        "client_value_dossier",
        "account_tiering",
        "sale_management",
        "sale_loyalty",
        "survey",
        "portal_rating",
    ],
    "data": [
        "security/ir.model.access.csv",
        "security/retention_signal_security.xml",
        "views/retention_playbooks_menus.xml",
    ],
    "demo": [],
    "application": True,
}
