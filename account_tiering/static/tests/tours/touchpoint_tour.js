import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("account_tiering_plan_and_hold", {
    steps: () => [
        {
            content: "nothing is planned yet: look at what planning would do",
            trigger: ".o_menu_sections button:contains('Accounts')",
            run: "click",
        },
        {
            trigger: ".o-dropdown--menu a:contains('Plan Touchpoints')",
            run: "click",
        },
        {
            trigger: ".modal [name=sentence]:contains('Planning adds 6 touchpoints')",
        },
        {
            trigger: ".modal button[name=action_plan]",
            run: "click",
        },
        {
            content: "the manager's own touchpoints are listed",
            trigger:
                ".o_list_view .o_data_row:contains('Tour Alpha'):contains('Call') td[name=partner_id]",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_statusbar_buttons button:contains('Held')",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=note] input",
            run: "edit All goals are met",
        },
        {
            trigger: ".modal button[name=action_confirm]",
            run: "click",
        },
        {
            content: "it is held, and says what shows it",
            trigger: ".o_arrow_button_current:contains('Done')",
        },
        {
            trigger: "button[name=action_view_client]",
            run: "click",
        },
        {
            content: "the client's form shows the contact",
            trigger: "a[name=client_touchpoint]",
            run: "click",
        },
        {
            trigger:
                "[name=touchpoint_ids] .o_data_row:contains('Done'):contains('All goals are met')",
        },
    ],
});
