import { registry } from "@web/core/registry";
import { GraphRenderer } from "@web/views/graph/graph_renderer";
import { graphView } from "@web/views/graph/graph_view";

const COLORS = { red: "#d9534f", amber: "#f0ad4e", green: "#3c9d5a", grey: "#adb5bd" };
const ORDER = Object.keys(COLORS).reverse();

/** Bars in the colours that their levels of health are named after, red on top. */
export class HealthGraphRenderer extends GraphRenderer {
    getBarChartData() {
        const data = super.getBarChartData();
        const { selection } = this.model.metaData.fields.level;
        const levels = Object.fromEntries(selection.map(([level, label]) => [label, level]));
        for (const dataset of data.datasets) {
            const level = levels[dataset.label];
            if (level) {
                dataset.backgroundColor = COLORS[level];
                dataset.order = ORDER.indexOf(level);
            }
        }
        return data;
    }
}

registry.category("views").add("retention_health_graph", {
    ...graphView,
    Renderer: HealthGraphRenderer,
});
