// One GraphQL request over HTTP, and the one kind of error that the console knows.

const GRAPH = new URL("../graphql", document.baseURI);

/** Why something was refused. `issues` says where: {field, message}, fields named as in the mutation's input. */
export class GraphError extends Error {
  constructor(message, { code = "UNKNOWN", issues = [], retryAfter = null, beforeRunning = false } = {}) {
    super(message);
    this.code = code;
    this.issues = issues;
    this.retryAfter = retryAfter;
    this.beforeRunning = beforeRunning;
  }
}

/** Where subscriptions are asked for. */
export function socketAddress() {
  const address = new URL(GRAPH);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return address;
}

/** The data of an operation and the server's clock. Throws GraphError, also when the server cannot be reached. */
export async function post(document, variables, { token = null, signal = null } = {}) {
  const headers = { "content-type": "application/json", accept: "application/graphql-response+json" };
  if (token) headers.authorization = `Bearer ${token}`;
  let response, answer;
  try {
    const body = JSON.stringify({ query: document, variables });
    response = await fetch(GRAPH, { method: "POST", headers, body, signal, cache: "no-store", credentials: "omit" });
    answer = await response.json();
  } catch (failure) {
    if (signal?.aborted) throw signal.reason;
    const why = response ? "The server gave an answer that is none." : "The server cannot be reached.";
    throw new GraphError(`${why} Please try again in a moment.`, { code: "NETWORK" });
  }
  if (answer.errors?.length) throw refusal(answer.errors, Number(response.headers.get("retry-after")) || null);
  return { data: answer.data, now: Date.parse(response.headers.get("date")) || Date.now() };
}

/** The errors of an answer as one. */
export function refusal(errors, retryAfter = null) {
  const [first] = errors;
  const issues = errors.flatMap((error) => error.extensions?.issues ?? []).map(({ field, message }) => ({
    field: field.replace(/^input\./, ""),
    message: sentence(message),
  }));
  return new GraphError(sentence(issues.length ? issues[0].message : first.message), {
    code: first.extensions?.code,
    issues,
    retryAfter: first.extensions?.retryAfter ?? retryAfter,
    beforeRunning: !first.path,
  });
}

function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
