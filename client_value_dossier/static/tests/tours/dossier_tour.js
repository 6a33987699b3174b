import { registry } from "@web/core/registry";

/** Fetch a file of the dossier that is open and check what kind of file comes. */
async function assertDownload(path, kind) {
    const id = document.location.pathname.match(/(\d+)\/?$/)[1];
    const response = await fetch(path.replace("{id}", id));
    const type = response.headers.get("Content-Type");
    if (!response.ok || !type.startsWith(kind)) {
        throw new Error(`${path}: ${response.status} ${type}`);
    }
}

/** Make a dossier from the client's form, issue it, print it, download its workbook. */
registry.category("web_tour.tours").add("client_value_dossier_issue", {
    steps: () => [
        {
            trigger: ".nav-link[name=client_value]",
            run: "click",
        },
        {
            content: "the page shows what was given",
            trigger: ".o_client_value_panel:contains('Worth given')",
        },
        {
            trigger: "button[name=action_new_dossier]",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=purpose] input[data-value=departing]",
            run: "click",
        },
        {
            trigger: ".nav-link[name=texts]",
            run: "click",
        },
        {
            content: "the introduction suits the purpose",
            trigger:
                ".o_field_widget[name=introduction] textarea:value(/^Before our ways part/)",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "the chatter is there: whatever is asked for while a test prints is refused",
            trigger: ".o_form_saved .o-mail-Message",
            async run() {
                await new Promise((resolve) => setTimeout(resolve, 1000));
            },
        },
        {
            trigger: ".o_form_saved button[name=action_issue]",
            run: "click",
        },
        {
            trigger: ".modal .modal-footer .btn-primary",
            run: "click",
        },
        {
            content: "it has its number",
            trigger: ".o_field_widget[name=name]:contains('VD/')",
        },
        {
            trigger: ".o_arrow_button_current:contains('Issued')",
        },
        {
            content: "what is sealed cannot be edited",
            trigger: ".o_field_widget[name=partner_id].o_readonly_modifier",
        },
        {
            trigger: "button[name=action_send]",
            run: "click",
        },
        {
            content: "the composer has the PDF attached",
            trigger: ".modal .o_field_widget[name=attachment_ids]:contains('VD-')",
        },
        {
            trigger: ".modal .btn-close",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal)) button[name=action_print]",
            async run() {
                const context = encodeURIComponent('{"force_report_rendering": true}');
                await assertDownload(
                    `/report/pdf/client_value_dossier.report_dossier/{id}?context=${context}`,
                    "application/pdf"
                );
                await assertDownload(
                    "/report/html/client_value_dossier.report_dossier/{id}",
                    "text/html"
                );
                await assertDownload(
                    "/client_value_dossier/{id}/workbook.xlsx",
                    "application/vnd.openxmlformats"
                );
            },
        },
        {
            trigger: "button[name=action_workbook]",
            run: "click",
        },
        {
            trigger: ".o_form_view:not(:has(.o_notification .bg-danger))",
        },
    ],
});
