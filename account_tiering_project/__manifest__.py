{
    "name": "Account Tiering: Projects",
    "summary": "Show the tier of the client on projects",
    "version": "19.0.1.1.0",
    "category": "Sales/CRM",
    "license": "LGPL-3",
    "author": "Client Value CRM",
    "depends": ["account_tiering", "sale_project"],
    "data": [
        "security/ir.model.access.csv",
        "views/project_project_views.xml",
    ],
    "auto_install": True,
}
