import { Component, onMounted, onWillUnmount, xml } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

const INTERVAL = 2000;

/** Shows how far a running scan is: reads it again until it has ended. */
export class ScanProgress extends Component {
    static template = xml`<span class="d-none" />`;
    static props = { ...standardWidgetProps };

    setup() {
        this.loading = false;
        onMounted(() => {
            this.interval = browser.setInterval(() => this.refresh(), INTERVAL);
        });
        onWillUnmount(() => browser.clearInterval(this.interval));
    }

    async refresh() {
        const { record } = this.props;
        // A tab in the background, or a slow server: no more requests than needed.
        if (record.data.state !== "running" || this.loading || document.hidden) {
            return;
        }
        this.loading = true;
        try {
            await record.load();
        } finally {
            this.loading = false;
        }
    }
}

registry.category("view_widgets").add("client_value_scan_progress", {
    component: ScanProgress,
    fieldDependencies: [{ name: "state", type: "selection" }],
});
