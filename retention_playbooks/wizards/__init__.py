from . import (
    base_partner_merge_run,
    retention_playbook_change,
    retention_playbook_preview,
    retention_playbook_preview_line,
    retention_run_start,
    retention_run_stop,
    retention_win_back,
    retention_win_back_line,
)
