// Two people may edit the same thing. Whoever saves last is told; what only one of them has changed is kept of both, and
// what both have changed is put before the one who saves. Nothing is overwritten unseen.

import { openDialog } from "../dialogs.js";
import { button, h } from "../dom.js";
import { plain } from "../format.js";
import { GraphError } from "../wire.js";

const STAMPS = ["expectedVersion", "expectedUpdatedAt"];
const MOST_TRIES = 5;
const LEFT = "It is not saved: somebody else has changed it meanwhile. What you wrote is still here.";
export const sameValue = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const isConflict = (error) => error instanceof GraphError && error.code === "CONFLICT" && error.issues.some(({ field }) => STAMPS.includes(field));

/** Of `now`, what is other than it was. */
export function changesOf(before, now) {
  return Object.fromEntries(Object.entries(now).filter(([name, value]) => !sameValue(value, before[name])));
}

/** Saves what was changed of `before` ({values, stamp}), and gives the values as they are then.
 *
 * `save(changes, stamp)` refuses with a CONFLICT when the stamp is old; then `read()` gives {values, stamp} as they are now.
 * `label(name)` is what a value is called and `shown(name, value)` how it is shown, where somebody has to choose. */
export async function saveOver({ before, values, save, read, label, shown = (_, value) => text(value) }) {
  let known = before;
  let wanted = values;
  for (let turn = 0; turn < MOST_TRIES; turn += 1) {
    const ours = changesOf(known.values, wanted);
    try {
      await save(ours, known.stamp);
      return wanted;
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
    const now = await read();
    if (!now) throw new GraphError("It is not saved: somebody has deleted it meanwhile. What you wrote is still here.", { code: "CONFLICT" });
    const theirs = changesOf(known.values, now.values);
    const both = Object.keys(ours).filter((name) => name in theirs && !sameValue(ours[name], theirs[name]));
    const chosen = both.length ? await choose(both.map((name) => ({ name, label: label(name), mine: shown(name, ours[name]), theirs: shown(name, theirs[name]) }))) : [];
    if (!chosen) throw new GraphError(LEFT, { code: "CONFLICT" });
    // Where there is nothing any more, everything is ours again.
    if (Object.keys(now.values).length) wanted = { ...now.values, ...ours, ...Object.fromEntries(chosen.map((name) => [name, now.values[name]])) };
    known = now;
  }
  throw new GraphError(LEFT, { code: "CONFLICT" });
}

/** Asks whose is to stay. Gives the names of which the other's is; null when nothing is to be saved now. */
function choose(parts) {
  return new Promise((resolve) => {
    let answer = null;
    const names = parts.map(({ name }) => name);
    const questions = parts.map(({ name, label, mine, theirs }) => h("fieldset", { class: "versions" }, h("legend", null, label),
      version(name, "mine", "Yours", mine, true), version(name, "theirs", "Theirs", theirs, false)));
    const answered = (event) => {
      event.preventDefault();
      const chosen = new FormData(event.target);
      answer = names.filter((name) => chosen.get(name) === "theirs");
      close();
    };
    const close = openDialog({ title: "Somebody else has changed this too", broad: true, onclose: () => resolve(answer), body: [
      h("p", { class: "quiet" }, "While you were writing, a colleague has saved the same part. Whatever only one of you has changed is kept; of the rest, say which it is to be."),
      h("form", { class: "fields", onsubmit: answered }, questions,
        h("div", { class: "decide" }, button("Not now", () => close()), h("button", { type: "submit", class: "button primary" }, "Save this")))] });
  });
}

function version(name, whose, label, said, checked) {
  return h("label", { class: "choice version" }, h("input", { type: "radio", name, value: whose, checked, "data-autofocus": checked }),
    h("span", null, h("span", { class: "strong" }, label), h("pre", { dir: "auto" }, said || "Nothing")));
}

function text(value) {
  if (value === null || value === undefined || value === "") return "";
  return plain(value);
}
