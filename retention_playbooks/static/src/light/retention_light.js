import { registry } from "@web/core/registry";
import { _t } from "@web/core/l10n/translation";
import { standardFieldProps } from "@web/views/fields/standard_field_props";
import { Component } from "@odoo/owl";

const SHAPES = {
    red: "fa-exclamation-circle text-danger",
    amber: "fa-minus-circle text-warning",
    green: "fa-check-circle text-success",
    grey: "fa-circle-o text-muted",
};

/** A light for a level of health. Its shape tells the colour, too. */
export class RetentionLight extends Component {
    static template = "retention_playbooks.RetentionLight";
    static props = { ...standardFieldProps, label: { type: Boolean, optional: true } };

    get level() {
        return this.props.record.data[this.props.name];
    }

    get shape() {
        return SHAPES[this.level];
    }

    get text() {
        const options = this.props.record.fields[this.props.name].selection;
        const option = options.find(([level]) => level === this.level);
        return option ? option[1] : "";
    }
}

export const retentionLight = {
    component: RetentionLight,
    displayName: _t("Light"),
    supportedTypes: ["selection"],
    supportedOptions: [{ label: _t("With its name"), name: "label", type: "boolean" }],
    extractProps: ({ options }) => ({ label: Boolean(options.label) }),
};

registry.category("fields").add("retention_light", retentionLight);
