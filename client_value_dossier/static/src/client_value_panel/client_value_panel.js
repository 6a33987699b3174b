import { Component, onWillStart, onWillUpdateProps, useState } from "@odoo/owl";
import { deserializeDate, formatDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { formatFloat, formatMonetary } from "@web/views/fields/formatters";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/**
 * What was given to a client, on its form. It asks for its figures only when its
 * page is opened: the form itself loads as fast as before.
 */
export class ClientValuePanel extends Component {
    static template = "client_value_dossier.ClientValuePanel";
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({ panel: null });
        onWillStart(() => this.load(this.props.record.resId));
        onWillUpdateProps((nextProps) => this.load(nextProps.record.resId));
    }

    async load(resId) {
        this.state.panel = resId
            ? await this.orm.call("res.partner", "get_client_value_panel", [resId])
            : null;
    }

    /** Key figures as [label, text], those that the user may see. */
    get figures() {
        const panel = this.state.panel;
        const figures = [
            [_t("Working with us since"), this.formatDate(panel.client_since)],
            [_t("Years together"), formatFloat(panel.years, { digits: [16, 1] })],
            [_t("Projects"), String(panel.projects)],
            [_t("Worth given"), this.formatAmount(panel.worth)],
        ];
        if ("revenue" in panel) {
            figures.push([_t("Revenue"), this.formatAmount(panel.revenue)]);
        }
        if (panel.ratio) {
            const percentage = formatFloat(panel.ratio * 100, { digits: [16, 1] });
            figures.push([_t("Worth / revenue"), `${percentage} %`]);
        }
        return figures;
    }

    formatAmount(amount, currencyId = this.state.panel.currency_id) {
        return formatMonetary(amount, { currencyId });
    }

    formatNumber(value) {
        return value ? formatFloat(value, { digits: [16, 1] }) : "";
    }

    formatDate(isoDate) {
        return isoDate ? formatDate(deserializeDate(isoDate)) : "–";
    }

    async openSuggestions() {
        const action = await this.orm.call("res.partner", "action_view_suggestions", [
            this.props.record.resId,
        ]);
        this.action.doAction(action);
    }

    openEntry(entryId) {
        this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "client.value.entry",
            res_id: entryId,
            views: [[false, "form"]],
        });
    }
}

registry.category("view_widgets").add("client_value_panel", {
    component: ClientValuePanel,
});
