// One GraphQL request, and the one kind of error that the widget knows.

const TIMEOUT_MS = 20_000;
let server = "";

/** Where the server is, without a slash at the end. */
export function useServer(address) {
  server = address.replace(/\/+$/, "");
}

export function serverAddress(path) {
  return server + path;
}

export function socketAddress() {
  return serverAddress("/widget/graphql").replace(/^http/, "ws");
}

/** Why something was refused. `code` is NETWORK when there was no answer: then nobody knows whether it was done. */
export class Refused extends Error {
  constructor(message, code, retryAfter) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter || null;
  }

  /** Whether the same may well be accepted later. */
  get passing() {
    return ["NETWORK", "RATE_LIMITED", "OVERLOADED", "INTERNAL", "UNAUTHENTICATED"].includes(this.code);
  }
}

/** The data of an answer. Throws Refused. */
export async function ask(query, variables, token) {
  const headers = { "content-type": "application/json", accept: "application/graphql-response+json" };
  if (token) headers.authorization = `Bearer ${token}`;
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), TIMEOUT_MS);
  let response, answer;
  try {
    response = await fetch(serverAddress("/widget/graphql"), {
      method: "POST",
      headers,
      body: JSON.stringify({ query, variables }),
      signal: limit.signal,
      credentials: "omit",
      cache: "no-store",
      referrerPolicy: "no-referrer",
    });
    answer = await response.json();
  } catch {
    throw new Refused("The server cannot be reached.", "NETWORK");
  } finally {
    clearTimeout(timer);
  }
  if (answer.errors && answer.errors.length) throw refusal(answer.errors, Number(response.headers.get("retry-after")));
  return answer.data;
}

/** The errors of an answer as one. */
export function refusal([{ message, extensions = {} }], retryAfter) {
  const issue = (extensions.issues || [])[0];
  return new Refused(issue ? issue.message : message, extensions.code, extensions.retryAfter || retryAfter);
}
