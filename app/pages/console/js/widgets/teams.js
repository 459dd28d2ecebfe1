// Teams: made, changed and deleted in dialogs.

import { confirmDialog, formDialog } from "../dialogs.js";
import { checkboxes, field } from "../forms.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { GraphError } from "../wire.js";
import { CREATE_TEAM, DELETE_TEAM, UPDATE_TEAM } from "./documents.js";

export const TEAM_ROUTES = [
  ["MANUAL", "By hand: agents take what they like"],
  ["ROUND_ROBIN", "Round robin: by turns"],
  ["LEAST_BUSY", "Least busy: to whoever has the fewest"],
];
const NO_MINUTES = "Must be a number of minutes.";

/** Makes a team, or changes one; then calls `done`. */
export function teamDialog(team, agents, done) {
  const members = new Set(team?.members.map(({ user }) => user.id));
  const minutes = team?.reassignAfterSeconds ? String(team.reassignAfterSeconds / 60) : "";
  const choices = agents.map(({ user }) => [user.id, user.name || user.email, user.name && user.email]);
  formDialog({
    title: team ? `Team ${team.name}` : "New team",
    submit: team ? "Save" : "Create team",
    broad: true,
    fields: [
      field({ name: "name", label: "Name", value: team?.name ?? "", autofocus: true, autocomplete: "off" }),
      field({ name: "routing", label: "How a conversation finds its agent", options: TEAM_ROUTES, value: team?.routing ?? "ROUND_ROBIN" }),
      field({ name: "reassignAfterSeconds", label: "Minutes until somebody else is asked", type: "number", min: "0", step: "any",
        value: minutes, hint: "If the agent does not answer, or is gone. Empty: never." }),
      choices.length > 0 && checkboxes({ name: "memberIds", legend: "Members", checked: members, choices }),
    ].filter(Boolean),
    action: async ({ name, routing, reassignAfterSeconds, memberIds = [] }) => {
      const input = { name, routing, memberIds, reassignAfterSeconds: seconds(reassignAfterSeconds) };
      await (team ? ask(UPDATE_TEAM, { input: { teamId: team.id, ...input } }) : ask(CREATE_TEAM, { input }));
      announce(team ? "The team is saved." : `${name} was created.`);
      await done();
    },
  });
}

function seconds(minutes) {
  if (minutes === "") return null;
  const wait = Math.round(Number(minutes) * 60);
  if (wait > 0) return wait;
  throw new GraphError(NO_MINUTES, { issues: [{ field: "reassignAfterSeconds", message: NO_MINUTES }] });
}

export function deleteTeam({ id, name }, done) {
  confirmDialog({
    title: `Delete ${name}?`,
    text: "Its conversations stay, in nobody's team.",
    submit: "Delete",
    action: async () => {
      await ask(DELETE_TEAM, { input: { teamId: id } });
      announce(`${name} was deleted.`);
      await done();
    },
  });
}
