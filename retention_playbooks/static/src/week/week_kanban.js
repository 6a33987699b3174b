import { useHotkey } from "@web/core/hotkeys/hotkey_hook";
import { registry } from "@web/core/registry";
import { KanbanRenderer } from "@web/views/kanban/kanban_renderer";
import { kanbanView } from "@web/views/kanban/kanban_view";

/** Cards whose buttons work with Enter, too: Odoo keeps the key for the card. */
export class WeekKanbanRenderer extends KanbanRenderer {
    setup() {
        super.setup();
        // Of two areas that have the key, the inner one gets it.
        useHotkey("Enter", ({ target }) => target.click(), {
            area: () => this.rootRef.el?.querySelector(".o_kanban_record footer:focus-within"),
        });
    }
}

registry.category("views").add("retention_week_kanban", {
    ...kanbanView,
    Renderer: WeekKanbanRenderer,
});
