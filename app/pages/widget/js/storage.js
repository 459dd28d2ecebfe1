// What this browser keeps for a widget, and turns taken among its tabs. Works without storage too, until the page goes.

const memory = new Map();
let prefix = "rapport:";

/** Keeps apart what belongs to different widgets on one site. */
export function useStorageOf(widgetKey) {
  prefix = `rapport:${widgetKey}:`;
}

export function recall(name) {
  try {
    return JSON.parse(localStorage.getItem(prefix + name));
  } catch {
    return memory.has(name) ? memory.get(name) : null;
  }
}

/** Keeps a value; null forgets it. */
export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(prefix + name);
    else localStorage.setItem(prefix + name, JSON.stringify(value));
  } catch {
    if (value === null) memory.delete(name);
    else memory.set(name, value);
  }
}

/** The names below `start` under which something is kept. */
export function remembered(start) {
  let names;
  try {
    names = Object.keys(localStorage)
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length));
  } catch {
    names = [...memory.keys()];
  }
  return names.filter((name) => name.startsWith(start));
}

/** Calls back with the name when another tab has changed something. */
export function onOtherTab(changed) {
  window.addEventListener("storage", ({ key }) => key && key.startsWith(prefix) && changed(key.slice(prefix.length)));
}

const turns = new Map();

/** Runs `work` when no other tab runs work of this name. Browsers without locks take turns within the tab alone. */
export function inTurn(name, work) {
  if (navigator.locks) return navigator.locks.request(prefix + name, work);
  const turn = (turns.get(name) || Promise.resolve()).then(work, work);
  turns.set(
    name,
    turn.catch(() => {}),
  );
  return turn;
}

/** A name that nobody else gives. */
export function newName() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
