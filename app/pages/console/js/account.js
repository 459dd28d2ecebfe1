// Who is signed in and what they may do, asked once for each session.

import { ask } from "./graph.js";

const WHO = `query Account {
  viewer { scopes role label member { id name email emailVerifiedAt } }
  tenant { id name plan }
}`;
const NOBODY = { known: false, scopes: new Set(), role: null, label: "", tenant: null, member: null };

/** What is known: `scopes` (a Set), `role`, `label`, `member` and `tenant`. */
export const account = { ...NOBODY };

/** Learns who is signed in, unless that is known. */
export async function meet() {
  if (account.known) return account;
  const { viewer, tenant } = await ask(WHO);
  return Object.assign(account, viewer, { known: true, scopes: new Set(viewer.scopes), tenant });
}

/** Asks again at the next page, because the account has changed. */
export function forget() {
  Object.assign(account, NOBODY);
}

export const may = (scope) => account.scopes.has(scope);
