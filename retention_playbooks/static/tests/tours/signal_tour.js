import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("retention_playbooks_complaint_to_handled", {
    steps: () => [
        {
            content: "a mail of the client is a complaint: mark it where it arrived",
            trigger: ".o-mail-Message:contains('Ann Lee')",
            run: "hover && click button[name='toggle-complaint']",
        },
        {
            trigger: ".o-mail-Message button[name='toggle-complaint'] .text-danger",
        },
        {
            content: "it needs the account manager: look at the signals",
            trigger: ".o_menu_sections button:contains('Retention')",
            run: "click",
        },
        {
            trigger: ".o-dropdown--menu a:contains('Signals')",
            run: "click",
        },
        {
            content: "the reason is told in words",
            trigger: ".o_data_row:contains('This is not what we agreed')",
        },
        {
            trigger:
                ".o_data_row:contains('not what we agreed') button[name=action_open_handle]",
            run: "click",
        },
        {
            trigger: ".modal [name=note] input",
            run: "edit Called Ann, the tables are corrected",
        },
        {
            trigger: ".modal button[name=action_apply]",
            run: "click",
        },
        {
            content: "nothing is left to do",
            trigger: ".o_view_nocontent:contains('your clients are fine')",
        },
    ],
});
