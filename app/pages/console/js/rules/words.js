// What rules are called: kinds of conditions, operators, and a rule as sentences.

export const KINDS = [
  ["attribute", "Attribute"], ["event", "Event"], ["identity", "Identity"], ["device", "Device"],
  ["consent", "Consent"], ["timezone", "Timezone"], ["locale", "Locale"], ["createdAt", "Known since"],
  ["updatedAt", "Last changed"], ["conversation", "Conversation"], ["rating", "Last rating"], ["segment", "Member of segment"],
];
export const GROUPS = [["all", "All of these"], ["any", "Any of these"], ["none", "None of these"], ["notAll", "Not all of these"]];
export const IDENTITIES = [["email", "E-mail"], ["phone", "Phone"], ["external_id", "External id"], ["anonymous_id", "Anonymous id"]];
export const CHANNELS = [["email", "E-mail"], ["sms", "SMS"], ["push", "Push"], ["in_app", "In app"], ["whatsapp", "WhatsApp"]];
export const CONSENTS = [["subscribed", "subscribed"], ["unsubscribed", "unsubscribed"], ["unknown", "never said"]];
export const UNITS = [["minutes", "minutes"], ["hours", "hours"], ["days", "days"], ["weeks", "weeks"]];
export const MEASURES = [
  ["", "at least once"], ["count", "how often"], ["first", "first time"], ["last", "last time"], ["sum", "sum of"],
  ["average", "average of"], ["minimum", "least of"], ["maximum", "most of"], ["distinct", "different values of"],
];

/** Operators: what they are called, and which operand they have. */
export const OPERATORS = {
  equals: ["is", "value"],
  in: ["is one of", "values"],
  contains: ["contains", "text"],
  startsWith: ["starts with", "text"],
  endsWith: ["ends with", "text"],
  has: ["is a list with", "value"],
  lessThan: ["is less than", "number"],
  atMost: ["is at most", "number"],
  moreThan: ["is more than", "number"],
  atLeast: ["is at least", "number"],
  between: ["is between", "range"],
  exists: ["is known", "flag"],
  empty: ["is empty", "flag"],
  before: ["is before", "moment"],
  after: ["is after", "moment"],
  on: ["is on", "moment"],
  inTheLast: ["is in the last", "span"],
  longerAgoThan: ["is longer ago than", "span"],
  withinTheNext: ["is within the next", "span"],
  anniversaryWithin: ["comes round within days", "days"],
};

const NUMBERS = ["equals", "atLeast", "atMost", "moreThan", "lessThan", "between"];
const ABSOLUTE = ["before", "after", "on"];
const RELATIVE = ["inTheLast", "longerAgoThan", "withinTheNext", "anniversaryWithin"];
const TEXTS = ["equals", "in", "contains", "startsWith", "endsWith"];
const PROPERTIES = [...TEXTS, ...NUMBERS.slice(1), "has", "exists", "empty", ...ABSOLUTE];

/** Which operators are offered where; `only` says that all values are of one type. */
export const ASKED = {
  value: { operators: [...PROPERTIES, ...RELATIVE] },
  property: { operators: PROPERTIES },
  text: { operators: [...TEXTS, "exists"], only: "text" },
  word: { operators: ["equals", "in"], only: "text" },
  number: { operators: NUMBERS, only: "number" },
  moment: { operators: ["inTheLast", "longerAgoThan", "withinTheNext", "anniversaryWithin", ...ABSOLUTE] },
};

const called = (pairs, key) => pairs.find(([name]) => name === key)?.[1] ?? key;
const NESTED = " > ";

/** A way to a value as one text: a name, names with > between them, or a JSON list where names have that in them. */
export function wayText(names) {
  const strange = names.some((name) => name.includes(NESTED) || name.startsWith("[") || name !== name.trim());
  return strange ? JSON.stringify(names) : names.join(NESTED);
}

export function wayOf(text) {
  if (text.startsWith("[")) {
    try {
      const names = JSON.parse(text);
      if (Array.isArray(names) && names.length && names.every((name) => typeof name === "string")) return names;
    } catch {
      // A name may begin like a list.
    }
  }
  return text.split(NESTED).map((name) => name.trim());
}

const written = (value) => (typeof value === "string" ? `“${value}”` : String(value));
const spanText = (span) => Object.entries(span).map(([unit, amount]) => `${amount} ${amount === 1 ? unit.slice(0, -1) : unit}`).join();
const wayIn = (given, key) => wayText(given.path ?? [given[key]]);

/** A test of one value as words: “is at least 3”. */
function tested(test) {
  const [[operator, operand]] = Object.entries(test);
  const [words, kind] = OPERATORS[operator];
  if (kind === "flag") return operand ? words : words.replace("is ", "is not ");
  if (kind === "range") return `${words} ${operand[0]} and ${operand[1]}`;
  if (kind === "values") return `${words} ${operand.map(written).join(", ")}`;
  if (kind === "span") return `${words} ${spanText(operand)}`;
  if (kind === "days") return `comes round within ${spanText(operand)}`;
  return `${words} ${kind === "moment" ? operand : written(operand)}`;
}

/** What made somebody enter or leave, such as `attribute:plan` or `segment:` and an id. */
export function causeWords(cause, segmentName) {
  const place = cause.indexOf(":");
  const [kind, name] = place < 0 ? [cause, ""] : [cause.slice(0, place), cause.slice(place + 1)];
  const begun = kind.charAt(0).toUpperCase() + kind.slice(1);
  if (!name) return begun.replace(/seg_[0-9a-f]{32}/, segmentName);
  return `${begun}: ${kind === "segment" ? segmentName(`seg_${name}`) : name}`;
}

/** What a group is called, or null for a condition: {words, below}. */
export function groupOf(rule) {
  if (rule.and) return { words: "All of these", below: rule.and };
  if (rule.or) return { words: "Any of these", below: rule.or };
  return rule.not ? { words: "Not", below: [rule.not] } : null;
}

/** The rule, then everything in it, in the order in which the graph explains it. */
export function flatten(rule) {
  return [rule, ...(groupOf(rule)?.below ?? []).flatMap(flatten)];
}

/** A condition as a sentence. `segmentName(id)` names another segment. */
export function sentence(rule, segmentName = (id) => id) {
  const [[kind, given]] = Object.entries(rule);
  if (kind === "attribute" || kind === "property") return `${wayIn(given, "name")} ${tested(given.is)}`;
  if (kind === "identity") return `${called(IDENTITIES, given.kind)} ${tested(given.is)}`;
  if (kind === "consent") return `${called(CHANNELS, given.channel)}: ${called(CONSENTS, given.is)}`;
  if (kind === "segment") return `Member of ${segmentName(given.id)}`;
  if (kind === "device") return deviceWords(given);
  if (kind === "conversation") return conversationWords(given);
  return kind === "event" ? eventWords(given) : `${called(KINDS, kind)} ${tested(given.is)}`;
}

function deviceWords({ platform, lastUsedAt }) {
  const parts = [platform && `platform ${tested(platform)}`, lastUsedAt && `last use ${tested(lastUsedAt)}`].filter(Boolean);
  return parts.length ? `Has a device: ${parts.join(" and ")}` : "Has a device";
}

const TALK = { status: "status", createdAt: "begin", waitingSince: "waiting since", closedAt: "close", count: "how many" };

function conversationWords(given) {
  const parts = Object.entries(TALK).filter(([key]) => given[key]).map(([key, words]) => `${words} ${tested(given[key])}`);
  return parts.length ? `Has conversations: ${parts.join(" and ")}` : "Has a conversation";
}

function eventWords({ name, where = [], within, ...measure }) {
  const [[figure, asked] = []] = Object.entries(measure);
  let how = "at least once";
  if (figure === "count") how = `how often ${tested(asked)}`;
  else if (figure === "first" || figure === "last") how = `${figure} time ${tested(asked)}`;
  else if (figure) how = `${called(MEASURES, figure)} ${wayIn(asked, "property")} ${tested(asked.is)}`;
  const which = where.length ? ` with ${where.map(propertyWords).join(" and ")}` : "";
  return `Did ${name}${which}, ${how}${windowWords(within)}`;
}

function propertyWords(rule) {
  const group = groupOf(rule);
  if (!group) return sentence(rule);
  if (rule.not) return `not (${propertyWords(rule.not)})`;
  return `(${group.below.map(propertyWords).join(rule.and ? " and " : " or ")})`;
}

function windowWords(within) {
  if (!within) return "";
  if (within.last) return `, in the last ${spanText(within.last)}`;
  return `${within.from ? `, from ${within.from}` : ""}${within.to ? `, to ${within.to}` : ""}`;
}
