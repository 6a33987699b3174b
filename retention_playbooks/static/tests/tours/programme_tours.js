import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

/** Open the list of the week; the browser is in the CRM app. */
const openWeek = [
    {
        trigger: ".o_menu_sections button:contains('Retention')",
        run: "click",
    },
    {
        trigger: ".o-dropdown--menu a:contains('This Week')",
        run: "click",
    },
];

/** Write an answer into the talk list of the dialog. */
const answer = (question, text) => [
    {
        trigger: `.modal .o_data_row:contains('${question}') td[name=text]`,
        run: "click",
    },
    {
        trigger: ".modal .o_data_row td[name=text] input",
        run: `edit ${text}`,
    },
];

tours.add("retention_playbooks_rescue", {
    steps: () => [
        ...openWeek,
        {
            content: "the rhythm of a client is broken, and the first step is due",
            trigger: ".o_kanban_record:contains('Ordered every'):contains('Look into it')",
        },
        {
            trigger: ".o_kanban_record:first a[name=action_open_step]",
            run: "click",
        },
        {
            trigger: ".modal button[name=action_done]",
            run: "click",
        },
        {
            content: "the call comes next: fill in the talk list",
            trigger:
                "body:not(:has(.modal)) .o_kanban_record:contains('Call the client') a[name=action_call_done].btn-primary",
            run: "click",
        },
        ...answer("What is not as it should be", "Two waves were late"),
        {
            content: "the signal is not closed: the playbook sees to it",
            trigger: ".modal:not(:contains('These signals are closed')) button[name=action_apply]",
            run: "click",
        },
        {
            content: "confirm it in a mail",
            trigger:
                "body:not(:has(.modal)) .o_kanban_record:contains('Confirm') a[name=action_mail].btn-primary",
            run: "click",
        },
        {
            trigger: ".modal .odoo-editor-editable:contains('Dear Ann')",
        },
        {
            trigger: ".modal button[name=action_send_mail]",
            run: "click",
        },
        {
            content: "nothing is left to do until the client orders",
            trigger: "body:not(:has(.modal)) .o_view_nocontent:contains('Nobody needs you')",
        },
    ],
});

tours.add("retention_playbooks_rescue_won", {
    steps: () => [
        {
            content: "the client has ordered: the run is won",
            trigger: ".ribbon:contains('Won')",
        },
        {
            content: "all was done",
            trigger: ".o_data_row:contains('Confirm'):contains('Done')",
        },
        {
            trigger: ".o_data_row:contains('Call the client') td[name=name]",
            run: "click",
        },
        {
            content: "what was said can be read",
            trigger: ".modal .o_data_row:contains('Two waves were late')",
        },
        {
            trigger: ".modal .o_form_button_cancel, .modal .btn-close",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal)) .o_form_view",
        },
    ],
});

tours.add("retention_playbooks_new_contact", {
    steps: () => [
        ...openWeek,
        {
            content: "somebody new decides at the client: congratulate",
            trigger:
                ".o_kanban_record:contains('Nora Bell decides') a[name=action_mail].btn-primary",
            run: "click",
        },
        {
            trigger: ".modal .odoo-editor-editable:contains('Dear Nora Bell')",
        },
        {
            trigger: ".modal button[name=action_send_mail]",
            run: "click",
        },
        {
            content: "the meeting is next: open the playbook, and issue its dossier",
            trigger:
                "body:not(:has(.modal)) .o_kanban_record:contains('Present the dossier'):contains('Nora Bell')",
            run: "click",
        },
        {
            trigger: "button[name=action_open_run]",
            run: "click",
        },
        {
            trigger: "button[name=action_view_dossier]",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=recipient_id]:contains('Nora Bell'), .o_field_widget[name=recipient_id] input:value('Nora Bell')",
        },
        {
            trigger: "button[name=action_issue]",
            run: "click",
        },
        {
            trigger: ".modal .btn-primary",
            run: "click",
        },
        {
            content: "it can be printed",
            trigger: "body:not(:has(.modal)) button[name=action_print]",
        },
    ],
});

tours.add("retention_playbooks_new_contact_won", {
    steps: () => [
        {
            content: "the meeting was held: the run is won",
            trigger: ".ribbon:contains('Won')",
        },
        {
            content: "write down which goals were agreed",
            trigger:
                ".o_data_row:contains('Present the dossier'):contains('Done') td[name=name]",
            run: "click",
        },
        ...answer("Which goals", "Two waves a year"),
        {
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal)) .o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_form_saved",
        },
    ],
});
