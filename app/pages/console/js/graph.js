// Questions to the graph in the name of whoever is signed in.

import { session } from "./session.js";
import { GraphError, post } from "./wire.js";

const LONGEST_WAIT_S = 15;
const WAITS = 3;

/** The data of an operation. Throws GraphError.
 *
 * A token that ran out is replaced once. What the rate limit refused was not run, so it is asked again when it may be. */
export async function ask(document, variables = {}, { signal = null } = {}) {
  let renewed = false;
  for (let waits = 0; ; ) {
    const token = await session.token();
    try {
      return (await post(document, variables, { token, signal })).data;
    } catch (error) {
      if (!(error instanceof GraphError)) throw error;
      if (error.code === "UNAUTHENTICATED" && token && !renewed) {
        renewed = true;
        await session.renew(token);
      } else if (error.code === "RATE_LIMITED" && waits < WAITS && (error.retryAfter ?? 1) <= LONGEST_WAIT_S) {
        waits += 1;
        await pause((error.retryAfter ?? 1) * 1000, signal);
      } else {
        throw error;
      }
    }
  }
}

/** A mutation of the public: nobody's token is sent. */
export async function tell(document, input) {
  return post(document, { input });
}

/** A mutation that signs in. */
export async function enter(document, input) {
  const { data, now } = await tell(document, input);
  const [tokens] = Object.values(data);
  session.begin(tokens, now);
}

function pause(ms, signal) {
  return new Promise((resume, stop) => {
    const timer = setTimeout(resume, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      stop(signal.reason);
    }, { once: true });
  });
}
