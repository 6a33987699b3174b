import { onPatched } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { FormController } from "@web/views/form/form_controller";
import { formView } from "@web/views/form/form_view";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { kanbanView } from "@web/views/kanban/kanban_view";
import { ListController } from "@web/views/list/list_controller";
import { ListRenderer } from "@web/views/list/list_renderer";
import { listView } from "@web/views/list/list_view";

// Tells the counter in the menu bar to count anew.
export const SUGGESTIONS_LOADED = "CLIENT_VALUE:SUGGESTIONS_LOADED";
const DECISIONS = { k: "action_confirm", d: "action_dismiss" };
const EVIDENCE = "e";

/** Whatever has decided on suggestions, their view is loaded again after it. */
const followDecisions = (Controller) =>
    class extends Controller {
        get modelParams() {
            const params = super.modelParams;
            // A client is done with its last suggestion: Odoo would go on showing it
            // without any, and sum up no currencies any more.
            params.hooks.onWillLoadRoot = (config) => delete config.currentGroups;
            params.hooks.onRootLoaded = () => this.env.bus.trigger(SUGGESTIONS_LOADED);
            return params;
        }
    };

export class SuggestionListController extends followDecisions(ListController) {
    /** All of a client are those that the list shows: filters are not passed over. */
    async beforeExecuteActionButton(clickParams) {
        if (clickParams.name === "action_keep_suggestions") {
            clickParams.buttonContext = { suggestion_domain: this.model.root.domain };
        }
        return super.beforeExecuteActionButton(...arguments);
    }
}

/** A decision that is made in the form counts as well. */
class EntryFormController extends FormController {
    async afterExecuteActionButton() {
        await super.afterExecuteActionButton(...arguments);
        this.env.bus.trigger(SUGGESTIONS_LOADED);
    }
}

/**
 * Suggestions are reviewed by the keyboard: K keeps and D dismisses the selected rows,
 * or the one that has the focus; E opens what is behind it.
 */
export class SuggestionListRenderer extends ListRenderer {
    setup() {
        super.setup();
        this.actionService = useService("action");
        this.deciding = false;
        this.decided = null;
        onPatched(() => this.focusNext());
    }

    /** A group's header says already what its rows have in common. */
    getActiveColumns() {
        const { groupBy } = this.props.list;
        return super.getActiveColumns().filter((column) => !groupBy.includes(column.name));
    }

    onCellKeydownReadOnlyMode(hotkey, cell, group, record) {
        if (record && hotkey in DECISIONS) {
            this.decide(DECISIONS[hotkey], record, cell);
            return true;
        }
        if (record && hotkey === EVIDENCE) {
            this.openEvidence(record);
            return true;
        }
        return super.onCellKeydownReadOnlyMode(...arguments);
    }

    async decide(method, record, cell) {
        // The row is still there while it is decided on: a key pressed meanwhile is
        // meant for the next one.
        if (this.deciding) {
            return;
        }
        this.deciding = true;
        try {
            const list = this.props.list;
            const ids = list.selection.length
                ? await list.getResIds(true)
                : [record.resId];
            await this.orm.call("client.value.entry", method, [ids]);
            const place = this.rows.indexOf(cell.closest("tr"));
            this.decided = { list, place, column: cell.cellIndex };
            await list.model.load();
        } finally {
            this.deciding = false;
        }
    }

    /** Once the list is there anew: go on with the row that has taken the place. */
    focusNext() {
        if (!this.decided || this.decided.list === this.props.list) {
            return;
        }
        const { place, column } = this.decided;
        this.decided = null;
        const rows = this.rows;
        const row = rows[Math.min(place, rows.length - 1)];
        // Without rows: the next client, whose rows the right arrow shows.
        const next = row?.cells[column] || this.tableRef.el.querySelector(".o_group_name");
        next?.focus();
    }

    async openEvidence(record) {
        const action = await this.orm.call("client.value.entry", "action_view_evidence", [
            record.resId,
        ]);
        this.actionService.doAction(action);
    }

    get rows() {
        return [...this.tableRef.el.querySelectorAll("tr.o_data_row")];
    }
}

registry.category("views").add("client_value_suggestion_list", {
    ...listView,
    Controller: SuggestionListController,
    Renderer: SuggestionListRenderer,
});
registry.category("views").add("client_value_suggestion_kanban", {
    ...kanbanView,
    Controller: followDecisions(KanbanController),
});
registry.category("views").add("client_value_entry_form", {
    ...formView,
    Controller: EntryFormController,
});
