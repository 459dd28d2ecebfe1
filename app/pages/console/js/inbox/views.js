// The views of the inbox: what each shows and in which order, and whether a conversation belongs to one.

const ACTIVE = ["OPEN", "PENDING"];

export const VIEWS = [
  { key: "mine", label: "Mine", sign: "person", filter: { mine: true, status: ACTIVE } },
  { key: "unassigned", label: "Unassigned", sign: "inbox", filter: { unassigned: true, status: ACTIVE } },
  { key: "all", label: "All open", sign: "people", filter: { status: ACTIVE } },
  { key: "waiting", label: "Waiting", sign: "waiting", filter: { waiting: true, status: ACTIVE }, order: "WAITING_LONGEST" },
  { key: "snoozed", label: "Snoozed", sign: "clock", filter: { status: ["SNOOZED"] } },
  { key: "closed", label: "Closed", sign: "check", filter: { status: ["CLOSED"] } },
];

/** The filters by view, as the question for the numbers wants them. */
export const COUNTED_FILTERS = Object.fromEntries(VIEWS.map(({ key, filter }) => [key, filter]));

/** The view of a name in the address: one of ours, `team:…` or `saved:…`; ours for all where there is no such. */
export function viewOf(name, { teams, savedViews }) {
  const known = VIEWS.find(({ key }) => key === name);
  if (known) return known;
  const [kind, id] = (name ?? "").split(":");
  const team = kind === "team" && teams.find((one) => one.id === id);
  if (team) return { key: name, label: team.name, sign: "team", filter: { teamId: id, status: ACTIVE } };
  const saved = kind === "saved" && savedViews.find((one) => one.id === id);
  if (saved) return { key: name, label: saved.name, sign: "bookmark", filter: saved.filter, saved };
  return VIEWS[2];
}

/** Whether a conversation is one that a filter finds. A search is the server's to judge: undefined. */
export function fits(row, filter, me) {
  if (filter.search) return undefined;
  const has = (name) => filter[name] !== undefined && filter[name] !== null;
  if (has("status") && !filter.status.includes(row.status)) return false;
  if (has("priority") && !filter.priority.includes(row.priority)) return false;
  if (has("assigneeId") && row.assignee?.id !== filter.assigneeId) return false;
  if (filter.mine && row.assignee?.id !== me) return false;
  if (has("unassigned") && filter.unassigned !== (row.assignee === null)) return false;
  if (has("teamId") && row.team?.id !== filter.teamId) return false;
  if (has("tag") && !row.tags.some(({ name }) => name === filter.tag)) return false;
  if (has("customerId") && row.customer?.id !== filter.customerId) return false;
  if (has("visitorId") && row.visitor?.id !== filter.visitorId) return false;
  if (has("waiting") && filter.waiting !== (row.waitingSince !== null)) return false;
  return !has("unread") || filter.unread === row.agentsUnread > 0;
}

/** Which of two conversations comes first. */
export function compareIn(order) {
  if (order === "WAITING_LONGEST") {
    return (a, b) => compare(a.waitingSince ?? "~", b.waitingSince ?? "~") || compare(a.id, b.id);
  }
  return (a, b) => compare(b.activeAt, a.activeAt) || compare(b.id, a.id);
}

function compare(one, other) {
  return one < other ? -1 : Number(one > other);
}
