import { rpc } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";

function press(key) {
    return ({ anchor }) => {
        anchor.focus();
        anchor.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    };
}

registry.category("web_tour.tours").add("client_value_suggestions", {
    steps: () => [
        {
            content: "The counter tells how many wait; it opens the review",
            trigger: ".o_client_value_counter .badge:contains(3)",
            run: "click",
        },
        {
            content: "The review that was open before has been replaced",
            trigger: ".o_facet_value:contains(My Clients)",
        },
        {
            content: "Open the client's suggestions",
            trigger: ".o_group_header:contains(Acme Research)",
            run: "click",
        },
        {
            content: "Keep the first one by the keyboard",
            trigger: ".o_data_row:first td[name=date]",
            run: press("k"),
        },
        {
            content: "Dismiss the next one",
            trigger: ".o_client_value_counter .badge:contains(2)",
        },
        {
            trigger: ".o_data_row:first td[name=date]",
            run: press("d"),
        },
        {
            trigger: ".o_client_value_counter .badge:contains(1)",
        },
        {
            content: "Keep what is left of the client",
            trigger: ".o_group_header button:contains(Keep all of this client)",
            run: "click",
        },
        {
            content: "Nothing is left",
            trigger: ".o_view_nocontent:contains(No suggestion waits)",
        },
    ],
});

registry.category("web_tour.tours").add("client_value_scan_client", {
    steps: () => [
        {
            content: "Open what is known of the client's value",
            trigger: "a[name=client_value]",
            run: "click",
        },
        {
            trigger: "button[name=action_scan_value]",
            run: "click",
        },
        {
            content: "The counter tells how many were found",
            trigger: ".o_client_value_counter .badge:contains(3)",
        },
        {
            content: "Word the hours as the client should read them: keys are typed",
            trigger: ".o_data_row:contains(3 hours) td[name=name]",
            run: "click",
        },
        {
            trigger: ".o_selected_row td[name=name] input",
            run: "edit Advice on the sample",
        },
        {
            content: "Keep them with the mouse",
            trigger: ".o_selected_row button[name=action_confirm]",
            run: "click",
        },
        {
            trigger: ".o_client_value_counter .badge:contains(2)",
        },
        {
            content: "Keep the next one by the keyboard",
            trigger: ".o_data_row:first td[name=date]",
            run: press("k"),
        },
        {
            trigger: ".o_client_value_counter .badge:contains(1)",
        },
        {
            content: "The focus has moved on: dismiss the last one",
            trigger: ".o_data_row td[name=date]:focus",
            run: press("d"),
        },
        {
            trigger: ".o_view_nocontent:contains(No suggestion waits)",
        },
        {
            trigger: "body:not(:has(.o_client_value_counter))",
        },
    ],
});

registry.category("web_tour.tours").add("client_value_suggestion_form", {
    steps: () => [
        {
            trigger: ".o_client_value_counter .badge:contains(1)",
        },
        {
            trigger: ".o_form_statusbar button[name=action_confirm]",
            run: "click",
        },
        {
            content: "It counts no more",
            trigger: "body:not(:has(.o_client_value_counter))",
        },
    ],
});

registry.category("web_tour.tours").add("client_value_source_changed", {
    steps: () => [
        {
            trigger: ".alert-warning:contains(3.00 → 4.50)",
        },
        {
            trigger: ".alert-warning button[name=action_update_from_source]",
            run: "click",
        },
        {
            trigger: ".o_form_view:not(:has(.alert-warning)) [name=hours] input:value(04:30)",
        },
    ],
});

registry.category("web_tour.tours").add("client_value_scan_progress", {
    steps: () => [
        {
            content: "The job goes on",
            trigger: ".o_field_widget[name=done_count]:contains(0)",
            run: () => {
                const resId = Number(window.location.pathname.split("/").pop());
                return rpc("/web/dataset/call_kw/client.value.scan/write", {
                    model: "client.value.scan",
                    method: "write",
                    args: [[resId], { done_count: 7 }],
                    kwargs: {},
                });
            },
        },
        {
            content: "The form shows it by itself",
            trigger: ".o_field_widget[name=done_count]:contains(7)",
        },
        {
            trigger: "button[name=action_stop]",
            run: "click",
        },
        {
            trigger: ".o_statusbar_status .o_arrow_button_current:contains(Stopped)",
        },
    ],
});
