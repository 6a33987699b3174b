import { registerMessageAction } from "@mail/core/common/message_actions";

import { toRaw } from "@odoo/owl";

import { _t } from "@web/core/l10n/translation";
import { user } from "@web/core/user";

/** Complaints are marked where they arrive: on the message in the chatter. */
registerMessageAction("toggle-complaint", {
    condition: ({ message, thread }) =>
        user.isInternalUser &&
        message.persistent &&
        !message.isEmpty &&
        thread?.model !== "discuss.channel" &&
        thread?.model !== "mail.box" &&
        ["email", "comment"].includes(message.message_type),
    icon: ({ message }) =>
        message.is_complaint ? "fa fa-frown-o text-danger" : "fa fa-frown-o",
    name: ({ message }) =>
        message.is_complaint ? _t("No Complaint") : _t("Mark as Complaint"),
    onSelected: async ({ message: msg, store }) => {
        const message = toRaw(msg);
        message.is_complaint = await store.env.services.orm.call(
            "mail.message",
            "action_toggle_complaint",
            [[message.id]]
        );
    },
    sequence: 45,
});
