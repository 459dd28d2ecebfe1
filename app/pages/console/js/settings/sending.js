// Rules of all sending: quiet hours, frequency caps, tracking, and what becomes of messages in doubt.

import { may } from "../account.js";
import { h } from "../dom.js";
import { field, form, tick } from "../forms.js";
import { number } from "../format.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { CHANNELS, channelWords } from "../campaigns/words.js";
import { timezones } from "../campaigns/moments.js";
import { Shelf } from "./shelf.js";

const POLICY = `query Policy {
  sendingPolicy { quietHours { from to channels } timezone inDoubt softBounceLimit tracksOpens tracksClicks trackingDomain { id name } }
  domains { id name }
}`;
const UPDATE = "mutation UpdatePolicy($input: UpdateSendingPolicyInput!) { updateSendingPolicy(input: $input) { policy { timezone } } }";
const CAPS = "query Caps { frequencyCaps { id name channel messages windowSeconds } }";
const CREATE_CAP = "mutation CreateCap($input: CreateFrequencyCapInput!) { createFrequencyCap(input: $input) { frequencyCap { id } } }";
const DELETE_CAP = "mutation DeleteCap($input: DeleteFrequencyCapInput!) { deleteFrequencyCap(input: $input) { frequencyCapId } }";
const UNITS = [[86_400, "days"], [3600, "hours"], [60, "minutes"]];
const { WEBHOOK: _, ...TO_PEOPLE } = CHANNELS;
const DOUBTS = [["keep", "Keep it in doubt until somebody decides"], ["resend", "Send it again"]];

/** The policy's form, and the caps below it. */
export class Sending {
  constructor(page) {
    this.page = page;
    this.caps = caps(page);
  }

  async load() {
    const [{ sendingPolicy, domains }] = await Promise.all([ask(POLICY, {}, this.page), this.caps.load()]);
    this.element = h("div", { class: "stack" }, policyForm(sendingPolicy, domains), this.caps.element);
    return this;
  }
}

function policyForm(policy, domains) {
  const quiet = policy.quietHours;
  const channels = new Set(quiet?.channels ?? Object.keys(TO_PEOPLE));
  const doubt = (channel) => field({ name: `inDoubt.${channel}`, label: channelWords(channel), options: DOUBTS, value: policy.inDoubt[channel] ?? "keep" });
  return form({
    submit: "Save rules",
    fields: [
      card("Quiet hours", "Messages that come due then wait until they end, by the clock of whoever gets them.",
        tick({ name: "isQuiet", label: "Nobody is disturbed at night", checked: Boolean(quiet) }),
        h("div", { class: "pair" }, field({ name: "quietHours.from", label: "From", type: "time", value: quiet?.from ?? "21:00" }),
          field({ name: "quietHours.to", label: "To", type: "time", value: quiet?.to ?? "08:00" })),
        field({ name: "timezone", label: "Clock of people without a timezone", list: timezones(), value: policy.timezone, autocomplete: "off", spellcheck: "false" }),
        h("fieldset", { "data-field": "quietHours.channels" }, h("legend", { class: "small" }, "Over these channels"), h("div", { class: "choices" },
          Object.entries(TO_PEOPLE).map(([key, label]) => h("label", { class: "choice" }, h("input", { type: "checkbox", name: "quietHours.channels", value: key, checked: channels.has(key) }), h("span", null, label)))))),
      card("Tracking", "Openings and clicks are counted by who they are: people, scanners, proxies.",
        tick({ name: "tracksOpens", label: "Note openings", checked: policy.tracksOpens }), tick({ name: "tracksClicks", label: "Note clicks", checked: policy.tracksClicks }),
        field({ name: "trackingDomainId", label: "Links stand on", options: [["", "This server's host"], ...domains.map(({ id, name }) => [id, name])], value: policy.trackingDomain?.id ?? "",
          hint: "A verified domain of yours." })),
      card("When something goes wrong", "A message is in doubt when we cannot know whether its provider has taken it.",
        h("div", { class: "pair" }, doubt("email"), doubt("sms")),
        field({ name: "softBounceLimit", label: "Refusals in a row that suppress an address", type: "number", min: 1, max: 100, value: policy.softBounceLimit })),
    ],
    action: async (values) => {
      const times = { from: values["quietHours.from"], to: values["quietHours.to"], channels: values["quietHours.channels"] };
      const inDoubt = { ...policy.inDoubt, email: values["inDoubt.email"], sms: values["inDoubt.sms"] };
      await ask(UPDATE, { input: { quietHours: values.isQuiet === "on" ? times : null, timezone: values.timezone, inDoubt, softBounceLimit: Number(values.softBounceLimit),
        tracksOpens: values.tracksOpens === "on", tracksClicks: values.tracksClicks === "on", trackingDomainId: values.trackingDomainId || null } });
      announce("The rules are saved.");
    },
  });
}

function card(title, sentence, ...body) {
  return h("section", { class: "card fields", "aria-label": title }, h("div", null, h("h2", null, title), h("p", { class: "quiet small" }, sentence)), body);
}

const caps = (page) => new Shelf(page, {
  title: "Frequency caps",
  sentence: "So many messages a person at most, over all campaigns. Those with the higher priority come first.",
  scope: "campaigns:write",
  add: "Add cap",
  empty: "No cap: everybody gets everything.",
  changes: false,
  called: (cap) => cap.name || sentence(cap),
  load: async () => (await ask(CAPS, {}, page)).frequencyCaps,
  columns: [
    { label: "Cap", cell: (cap) => h("div", { class: "entry" }, h("div", null, h("span", { class: "strong" }, sentence(cap)), cap.name && h("span", { class: "small quiet" }, cap.name))) },
    { label: "Channel", cell: ({ channel }) => (channel ? channelWords(channel) : "All") },
  ],
  fields: () => [
    h("div", { class: "pair" }, field({ name: "messages", label: "Messages", type: "number", min: 1, max: 1000, value: 3, autofocus: true }),
      field({ name: "windowSeconds", label: "In any", type: "number", min: 1, value: 7 }), field({ name: "unit", label: "Unit", options: UNITS.map(([s, label]) => [String(s), label]), value: "86400" })),
    field({ name: "channel", label: "Channel", options: [["", "All"], ...Object.entries(CHANNELS)], value: "" }),
    field({ name: "name", label: "Name", autocomplete: "off" }),
  ],
  save: ({ messages, windowSeconds, unit, channel, name }) => [CREATE_CAP, { input: { messages: Number(messages), windowSeconds: Number(windowSeconds) * Number(unit), channel: channel || null, name } }],
  remove: ({ id }) => [DELETE_CAP, { input: { frequencyCapId: id } }],
  loss: "People may get more messages from now on.",
});

function sentence({ messages, windowSeconds }) {
  const [length, unit] = UNITS.find(([s]) => windowSeconds % s === 0) ?? [1, "seconds"];
  return `At most ${number(messages)} in ${number(windowSeconds / length)} ${windowSeconds === length ? unit.slice(0, -1) : unit}`;
}
