"""A process that has Odoo loaded and takes one measurement.

``python -m benchmarks.worker MEASUREMENT DATABASE ARGUMENTS`` prints the result as its
last line; arguments and result are JSON.
"""

import json
import sys

from odoo.api import SUPERUSER_ID, Environment
from odoo.orm.registry import Registry
from odoo.service import server
from odoo.tools import config


def main(measurement, database, arguments):
    config.parse_config(["-d", database, "--no-http", "--log-level=error"])
    server.load_server_wide_modules()
    with Registry(database).cursor() as cr:
        admin = Environment(cr, SUPERUSER_ID, {}).ref("base.user_admin")
        context = admin.with_user(admin).context_get()
        env = Environment(cr, admin.id, dict(context))
        # These need Odoo's modules, which are found only now.
        from . import (
            clientele,
            data,
            history,
            measures,
            retention,
            scans,
            tiers,
            touchpoints,
        )

        modules = (data, history, measures, scans, tiers, touchpoints)
        [function] = {
            getattr(module, measurement)
            for module in (*modules, clientele, retention)
            if hasattr(module, measurement)
        }
        result = function(env, **json.loads(arguments))
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
