import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("account_tiering_classify_and_apply", {
    steps: () => [
        {
            content: "the list of reviews is empty: make one",
            trigger: ".o_list_button_add, .o_view_nocontent",
        },
        {
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            trigger: ".o_form_view button[name=action_propose]:contains('Propose')",
            run: "click",
        },
        {
            content: "how few clients bring most of the revenue is told and drawn",
            trigger:
                ".o_tier_review_panel:contains('1 of 3 clients bring 80 % of revenue') canvas",
        },
        {
            content: "nothing has changed yet: three clients are to get a tier",
            trigger: "button[name=action_view_lines]:has([name=new_count]:contains('3'))",
            run: "click",
        },
        {
            content: "skip the smallest one",
            trigger: ".o_data_row:contains('Tour Gamma') .o_list_record_selector input",
            run: "click",
        },
        {
            trigger: ".o_control_panel button[name=action_skip]",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains('Tour Gamma') [name=decision]:contains('Skip')",
        },
        {
            content: "back to the review",
            trigger: ".o_back_button, .breadcrumb-item:not(.active):last a",
            run: "click",
        },
        {
            content: "what was skipped can be accepted again",
            trigger: ".o_form_view button[name=action_accept_all]",
        },
        {
            trigger: ".o_form_view button[name=action_apply]",
            run: "click",
        },
        {
            trigger: ".modal footer .btn-primary:contains('Apply')",
            run: "click",
        },
        {
            trigger: ".o_statusbar_status button.o_arrow_button_current:contains('Applied')",
        },
        {
            trigger: ".o-mail-Message:contains('2 clients have another tier')",
        },
        {
            content: "it can be undone",
            trigger: "button[name=action_undo]",
        },
    ],
});

registry.category("web_tour.tours").add("account_tiering_change_a_tier", {
    steps: () => [
        {
            trigger: "button[name=action_change_tier]:contains('Give a Tier')",
            run: "click",
        },
        {
            trigger: ".modal [name=tier_id] input",
            run: "edit B",
        },
        {
            trigger: ".modal .o-autocomplete--dropdown-item:contains('B')",
            run: "click",
        },
        {
            trigger: ".modal [name=reason] input",
            run: "edit Frame contract for next year",
        },
        {
            trigger: ".modal [name=locked] input",
            run: "click",
        },
        {
            trigger: ".modal [name=lock_reason] input",
            run: "edit Reference client",
        },
        {
            trigger: ".modal button[name=action_set]",
            run: "click",
        },
        {
            content: "the client's form shows the tier, and its history who, when and why",
            trigger:
                "body:not(:has(.modal)) button[name=action_view_tier_history]:contains('B') .fa-lock",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains('Frame contract for next year')",
        },
    ],
});
