// Who works for the company: invite, change the role, remove.

import { account, may } from "../account.js";
import { button, h, icon } from "../dom.js";
import { confirmDialog, formDialog } from "../dialogs.js";
import { field } from "../forms.js";
import { avatar, moment, words } from "../format.js";
import { ask } from "../graph.js";
import { pagedTable } from "../lists.js";
import { announce } from "../notices.js";
import { head } from "../router.js";

const MEMBERS = `query Members($first: Int, $after: String, $last: Int, $before: String) {
  members(first: $first, after: $after, last: $last, before: $before) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { id name email role emailVerifiedAt invitedAt createdAt }
  }
}`;
const INVITE = "mutation Invite($input: AddMemberInput!) { addMember(input: $input) { member { id } } }";
const CHANGE = "mutation ChangeRole($input: ChangeMemberRoleInput!) { changeMemberRole(input: $input) { member { id } } }";
const REMOVE = "mutation Remove($input: RemoveMemberInput!) { removeMember(input: $input) { done } }";

const ROLES = [
  ["OWNER", "Owner: everything, and the last word"],
  ["ADMIN", "Admin: everything"],
  ["MARKETER", "Marketer: customers, events and what is sent to them"],
  ["AGENT", "Agent: customers and talking with them"],
  ["VIEWER", "Viewer: reading customers and events"],
];

export async function members(page) {
  const table = await pagedTable({
    page,
    caption: "Members",
    noun: (count) => (count === 1 ? "member" : "members"),
    load: async (slice) => (await ask(MEMBERS, slice, page)).members,
    empty: () => "Nobody works here.",
    columns: [
      { label: "Name", head: true, cell: person },
      { label: "Role", cell: ({ role }) => h("span", { class: "badge" }, words(role)) },
      { label: "State", cell: state },
      { label: "Since", look: "wide", cell: ({ createdAt }) => moment(createdAt, "date") },
      { label: "Actions", hidden: true, look: "end", cell: (member) => actions(member, () => table.reload()) },
    ],
  });
  const invite = button([icon("plus"), "Invite member"], () => inviteDialog(() => table.reload()), "primary");
  return [
    head("Members", "Who works for your company, and what they may do.", may("members:write") ? [invite] : []),
    table.element,
  ];
}

function person({ id, name, email }) {
  return h("div", { class: "entry" }, avatar(name || email, id),
    h("div", null,
      h("span", { class: "strong" }, name || email, id === account.member?.id && h("span", { class: "faint" }, " (you)")),
      name && h("span", { class: "small quiet" }, email)));
}

function state({ invitedAt, emailVerifiedAt }) {
  if (invitedAt) return h("span", { class: "badge warn" }, "Invited");
  return emailVerifiedAt ? h("span", { class: "badge good" }, "Active") : h("span", { class: "badge" }, "Not confirmed");
}

function actions(member, reload) {
  if (!may("members:write")) return null;
  const who = member.name || member.email;
  return h("div", { class: "actions" },
    button("Change role", () => roleDialog(member, who, reload), "slight", { "aria-label": `Change role of ${who}` }),
    button("Remove", () => removeDialog(member, who, reload), "slight danger", { "aria-label": `Remove ${who}` }));
}

function inviteDialog(reload) {
  formDialog({
    title: "Invite a member",
    text: "They are mailed a link with which they choose a password and join.",
    submit: "Send invitation",
    fields: [
      field({ name: "email", label: "E-mail", type: "email", required: true, autofocus: true, autocomplete: "off" }),
      field({ name: "name", label: "Name", autocomplete: "off" }),
      field({ name: "role", label: "Role", options: ROLES, value: "AGENT" }),
    ],
    action: async (input) => {
      await ask(INVITE, { input });
      announce(`An invitation to ${input.email} is on its way.`);
      await reload();
    },
  });
}

function roleDialog({ id, role }, who, reload) {
  formDialog({
    title: `Role of ${who}`,
    submit: "Change role",
    fields: [field({ name: "role", label: "Role", options: ROLES, value: role, autofocus: true })],
    action: async (input) => {
      await ask(CHANGE, { input: { memberId: id, role: input.role } });
      announce(`${who} is now ${words(input.role).toLowerCase()}.`);
      await reload();
    },
  });
}

function removeDialog({ id }, who, reload) {
  confirmDialog({
    title: `Remove ${who}?`,
    text: "They are signed out and cannot sign in to this company any more. The API keys they made keep working.",
    submit: "Remove",
    action: async () => {
      await ask(REMOVE, { input: { memberId: id } });
      announce(`${who} was removed.`);
      await reload();
    },
  });
}
