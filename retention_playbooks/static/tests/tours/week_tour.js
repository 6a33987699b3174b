import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("retention_playbooks_week", {
    steps: () => [
        {
            content: "Monday: who needs me?",
            trigger: ".o_menu_sections button:contains('Retention')",
            run: "click",
        },
        {
            trigger: ".o-dropdown--menu a:contains('This Week')",
            run: "click",
        },
        {
            content: "the most urgent client comes first, with the reason",
            trigger:
                ".o_kanban_record:first:contains('Acme'):contains('Wants to leave')",
        },
        {
            content: "with the keyboard, too",
            trigger: ".o_kanban_record:first a[name=action_call_done]",
            async run(helpers) {
                helpers.anchor.focus();
                await helpers.press("Enter");
            },
        },
        {
            content: "all is filled in",
            trigger: ".modal .o_data_row:contains('Wants to leave')",
        },
        {
            trigger: ".modal button[name=action_apply]",
            run: "click",
        },
        {
            content: "the next one comes first",
            trigger: ".o_kanban_record:first:contains('Beta')",
        },
        {
            content: "put it off",
            trigger: "body:not(:has(.modal)) .o_kanban_record:first a[name=action_snooze]",
            run: "click",
        },
        {
            trigger: ".modal [name=reason] input",
            run: "edit At a fair",
        },
        {
            trigger: ".modal button[name=action_apply]",
            run: "click",
        },
        {
            content: "nobody is left",
            trigger: ".o_view_nocontent:contains('Nobody needs you')",
        },
    ],
});
