import { Component, onWillStart, onWillUpdateProps, useEffect, useRef, useState } from "@odoo/owl";
import { loadBundle } from "@web/core/assets";
import { cookie } from "@web/core/browser/cookie";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { formatFloatTime, formatMonetary } from "@web/views/fields/formatters";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/** Odoo's palette of colour indexes, from no colour to violet. */
const COLOURS = [
    "#a2a2a2", "#ee2d2d", "#dc8534", "#e8bb1d", "#5794dd", "#9f628f",
    "#db8865", "#41a9a2", "#304be0", "#ee2f8a", "#61c36e", "#9872e6",
];

/**
 * What a review is about: how few clients bring how much, as a sentence and a Pareto
 * chart, and the clients and hours of each tier and account manager.
 */
export class ReviewPanel extends Component {
    static template = "account_tiering.ReviewPanel";
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.canvas = useRef("canvas");
        this.state = useState({ panel: null });
        onWillStart(async () => {
            await Promise.all([
                loadBundle("web.chartjs_lib"),
                this.load(this.props.record),
            ]);
        });
        onWillUpdateProps((nextProps) => this.load(nextProps.record));
        useEffect(
            () => {
                const chart = this.renderChart();
                return () => chart?.destroy();
            },
            () => [this.state.panel, this.canvas.el]
        );
    }

    async load(record) {
        const { resId } = record;
        this.state.panel =
            resId && record.data.proposed_on
                ? await this.orm.call("client.tier.review", "get_review_panel", [resId])
                : null;
    }

    renderChart() {
        const { panel } = this.state;
        if (!this.canvas.el || !panel?.bars.length) {
            return;
        }
        const dark = cookie.get("color_scheme") === "dark";
        const ink = dark ? "#e4e4e4" : "#374151";
        const grid = dark ? "rgba(255,255,255,.15)" : "rgba(0,0,0,.1)";
        const { bars } = panel;
        const money = (value) => formatMonetary(value, { currencyId: panel.currency_id });
        return new Chart(this.canvas.el, {
            data: {
                labels: bars.map((bar) => bar.label),
                datasets: [
                    {
                        type: "line",
                        label: _t("Cumulative share"),
                        data: bars.map((bar) => bar.cumulative),
                        yAxisID: "share",
                        borderColor: ink,
                        backgroundColor: ink,
                        borderWidth: 2,
                        pointRadius: bars.length > 30 ? 0 : 2,
                    },
                    {
                        type: "bar",
                        label: _t("Revenue"),
                        data: bars.map((bar) => bar.revenue),
                        yAxisID: "revenue",
                        backgroundColor: bars.map((bar) => COLOURS[bar.color % COLOURS.length]),
                    },
                ],
            },
            options: {
                animation: false,
                maintainAspectRatio: false,
                interaction: { mode: "index", intersect: false },
                scales: {
                    x: { ticks: { color: ink, maxRotation: 60 }, grid: { display: false } },
                    revenue: {
                        position: "left",
                        ticks: { color: ink, callback: (value) => money(value) },
                        grid: { color: grid },
                    },
                    share: {
                        position: "right",
                        min: 0,
                        max: 100,
                        ticks: { color: ink, callback: (value) => `${value} %` },
                        grid: { display: false },
                    },
                },
                plugins: {
                    legend: { display: false },
                    tooltip: {
                        callbacks: {
                            label: ({ dataset, dataIndex }) => {
                                const bar = bars[dataIndex];
                                return dataset.yAxisID === "share"
                                    ? `${dataset.label}: ${bar.cumulative.toFixed(1)} %`
                                    : `${bar.tier}: ${money(bar.revenue)}`;
                            },
                        },
                    },
                },
            },
        });
    }

    colour(index) {
        return COLOURS[index % COLOURS.length];
    }

    formatAmount(amount) {
        return formatMonetary(amount, { currencyId: this.state.panel.currency_id });
    }

    formatHours(hours) {
        return formatFloatTime(hours);
    }

    formatDifference(row) {
        const difference = row.after - row.before;
        if (Math.abs(difference) < 1 / 120) {
            return "";
        }
        return (difference > 0 ? "+" : "−") + formatFloatTime(Math.abs(difference));
    }
}

registry.category("view_widgets").add("client_tier_review_panel", {
    component: ReviewPanel,
    fieldDependencies: [
        { name: "proposed_on", type: "datetime" },
        { name: "hours_after", type: "float" },
    ],
});
