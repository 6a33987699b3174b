import { registry } from "@web/core/registry";

/** An account manager logs a favour on the project's form: what, category, hours. */
registry.category("web_tour.tours").add("client_value_log_from_project", {
    steps: () => [
        {
            trigger: ".o_statusbar_buttons button[name=action_log_value]",
            run: "click",
        },
        {
            content: "the client is known",
            trigger: ".modal .o_field_widget[name=partner_id]:contains('Acme Research')",
        },
        {
            trigger: ".modal .o_field_widget[name=name] input",
            run: "edit Found two specialists by the next morning",
        },
        {
            trigger: ".modal .o_field_widget[name=category_id] input",
            run: "edit Urgent search",
        },
        {
            trigger: ".ui-autocomplete > li > a:contains('Urgent search')",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=hours] input",
            run: "edit 2:30 && press Tab",
        },
        {
            content: "hours are worth the rate of the project's service",
            trigger: ".modal .o_field_widget[name=amount] input:value('200.00')",
        },
        {
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            content: "the button of the project counts it",
            trigger:
                "body:not(:has(.modal)) button[name=action_view_value_entries] [name=value_entry_count]:contains('1')",
        },
    ],
});
