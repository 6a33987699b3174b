import { Component, onMounted, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useBus, useService } from "@web/core/utils/hooks";
import { SUGGESTIONS_LOADED } from "./suggestion_views";

/** How many suggestions wait for the account manager; nothing when there are none. */
export class SuggestionCounter extends Component {
    static template = "client_value_dossier.SuggestionCounter";
    static props = {};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({ count: 0 });
        // Not before: the counter must not keep the page waiting.
        onMounted(() => this.load());
        useBus(this.env.bus, SUGGESTIONS_LOADED, () => this.load());
    }

    async load() {
        const summary = await this.orm.silent.call(
            "client.value.entry",
            "get_suggestion_summary",
            []
        );
        this.state.count = summary.count;
    }

    open() {
        this.action.doAction("client_value_dossier.client_value_suggestion_action", {
            additionalContext: { search_default_my_clients: 1 },
            clearBreadcrumbs: true,
        });
    }
}

registry
    .category("systray")
    .add("client_value_dossier.suggestions", { Component: SuggestionCounter }, { sequence: 30 });
