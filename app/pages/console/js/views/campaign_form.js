// A new campaign: its name, how it is sent and over what. The rest is said on its own pages.

import { button, h } from "../dom.js";
import { field, form } from "../forms.js";
import { ask } from "../graph.js";
import { go, head } from "../router.js";
import { CREATE } from "../campaigns/documents.js";
import { CHANNELS } from "../campaigns/words.js";
import { wayBack } from "./ways.js";

const KINDS = [["ONE_OFF", "Once, to its audience"], ["RECURRING", "Again and again, by the calendar"], ["TRIGGERED", "To many, whenever it is called"],
  ["TRANSACTIONAL", "To one person, whenever it is called"]];

export async function newCampaign() {
  const content = form({
    submit: "Create draft",
    fields: [h("section", { class: "card fields" },
      field({ name: "name", label: "Name", autofocus: true, autocomplete: "off", hint: "Only you and your colleagues see it." }),
      field({ name: "kind", label: "How it is sent", options: KINDS, value: "ONE_OFF" }),
      h("fieldset", { "data-field": "channels" }, h("legend", null, "Over which channels"), h("div", { class: "choices" },
        Object.entries(CHANNELS).map(([key, label]) => h("label", { class: "choice" }, h("input", { type: "checkbox", name: "channels", value: key, checked: key === "EMAIL" }),
          h("span", null, label))))))],
    extra: [button("Cancel", () => go("/campaigns"))],
    action: async ({ name, kind, channels }) => {
      const { createCampaign } = await ask(CREATE, { input: { name, kind, channels } });
      go(`/campaigns/${createCampaign.campaign.id}/contents`);
    },
  });
  return [wayBack("/campaigns", "Campaigns"), head("New campaign", "It stays a draft until you launch it."), content];
}
