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
