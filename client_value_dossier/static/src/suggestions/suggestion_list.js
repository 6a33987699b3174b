import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { ListRenderer } from "@web/views/list/list_renderer";
import { listView } from "@web/views/list/list_view";

export const DECIDED = "CLIENT_VALUE:DECIDED";
const DECISIONS = { k: "action_confirm", d: "action_dismiss" };
const EVIDENCE = "e";

/**
 * Suggestions are reviewed by the keyboard: K keeps and D dismisses the selected rows,
 * or the one that has the focus; E opens what is behind it.
 */
export class SuggestionListRenderer extends ListRenderer {
    setup() {
        super.setup();
        this.orm = useService("orm");
        this.actionService = useService("action");
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
        const selection = this.props.list.selection;
        const records = selection.length ? selection : [record];
        const place = this.rows.indexOf(cell.closest("tr"));
        const column = cell.cellIndex;
        await this.orm.call(
            "client.value.entry",
            method,
            [records.map((decided) => decided.resId)]
        );
        await this.props.list.model.root.load();
        this.env.bus.trigger(DECIDED);
        // The row is gone: go on with the one that has taken its place.
        await new Promise((resolve) => setTimeout(resolve));
        const rows = this.rows;
        const row = rows[Math.min(place, rows.length - 1)];
        row?.cells[column]?.focus();
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
    Renderer: SuggestionListRenderer,
});
