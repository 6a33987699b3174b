import { registry } from "@web/core/registry";
import { rpc } from "@web/core/network/rpc";
import { inputFiles } from "@web/../tests/utils";

/** Choose a sheet that the test has stored as an attachment. */
async function uploadSheet(name) {
    const [id] = await rpc("/web/dataset/call_kw/ir.attachment/search", {
        model: "ir.attachment",
        method: "search",
        args: [[["name", "=", name]]],
        kwargs: {},
    });
    const response = await fetch(`/web/content/${id}`);
    const file = new File([await response.blob()], name, {
        type: response.headers.get("Content-Type"),
    });
    await inputFiles(".o_control_panel .o_input_file", [file]);
}

/** A sheet with a wrong row is refused by name; the corrected sheet is imported. */
registry.category("web_tour.tours").add("client_value_import", {
    steps: () => [
        {
            trigger: ".o_cp_action_menus button:has(.fa-cog)",
            run: "click",
        },
        {
            trigger: ".o_import_menu",
            run: "click",
        },
        {
            content: "the template is offered",
            trigger: ".o_import_action a[href='/client_value_dossier/import_template.xlsx']",
        },
        {
            trigger: ".o_control_panel .o_import_file",
            async run() {
                await uploadSheet("wrong_entries.xlsx");
            },
        },
        {
            trigger: ".o_control_panel button:contains('Test')",
            run: "click",
        },
        {
            content: "the row and the remedy are named",
            trigger:
                ".o_import_action :contains('“Nobody Inc” (row 3) was not found. Create the client in Contacts first')",
        },
        {
            trigger: ".o_control_panel button:contains('Load Data File')",
            async run() {
                await uploadSheet("entries.xlsx");
            },
        },
        {
            trigger: ".o_import_data_sidepanel :contains('entries')",
        },
        {
            trigger: ".o_control_panel button:contains('Import')",
            run: "click",
        },
        {
            content: "back in the list, with both rows",
            trigger: ".o_list_view .o_data_row:contains('Second imported favour')",
        },
        {
            trigger: ".o_list_view .o_data_row:contains('First imported favour')",
        },
    ],
});
