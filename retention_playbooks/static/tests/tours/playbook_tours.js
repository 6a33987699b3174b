import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("retention_playbooks_start_to_goal", {
    steps: () => [
        {
            content: "there is a new manager at the client: start the playbook",
            trigger: "a[name=retention]",
            run: "click",
        },
        {
            trigger: "button[name=action_start_playbook]",
            run: "click",
        },
        {
            trigger: ".modal [name=playbook_id] input",
            run: "edit Newcomer",
        },
        {
            trigger: ".o-autocomplete--dropdown-item:contains('Newcomer')",
            run: "click",
        },
        {
            trigger: ".modal button[name=action_start]",
            run: "click",
        },
        {
            content: "the dossier is drafted",
            trigger: "button[name=action_view_dossier]",
        },
        {
            content: "a mail is offered: send it",
            trigger: ".o_data_row:contains('Congratulate') button[name=action_send]",
            run: "click",
        },
        {
            trigger: ".modal .note-editable:contains('Dear Ann'), .modal .odoo-editor-editable:contains('Dear Ann')",
        },
        {
            trigger: ".modal button[name=action_send_mail]",
            run: "click",
        },
        {
            content: "the mail is done, and the call is next",
            trigger: ".o_data_row:contains('Congratulate'):contains('Done')",
        },
        {
            trigger: ".o_data_row:contains('Call Ann'):contains('To Do') td[name=name]",
            run: "click",
        },
        {
            content: "answer the talk list",
            trigger: ".modal .o_data_row:contains('What matters') td[name=text]",
            run: "click",
        },
        {
            trigger: ".modal .o_data_row td[name=text] input",
            run: "edit Reports on time",
        },
        {
            trigger: ".modal button[name=action_done]",
            run: "click",
        },
        {
            trigger: ".modal [name=feedback]:contains('Reports on time')",
        },
        {
            trigger: ".modal .o_form_button_cancel",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal)) button[name=action_win]",
            run: "click",
        },
        {
            trigger: ".modal .modal-footer .btn-primary",
            run: "click",
        },
        {
            content: "the run is won",
            trigger: ".ribbon:contains('Won')",
        },
    ],
});
