// Drives the endpoint with one of the published clients. Usage: node clients.js <ws|sse> <url> <key>
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import WebSocket from 'ws';

const [, , kind, url, key] = process.argv;
const Authorization = `Bearer ${key}`;

function client(credential) {
  return kind === 'ws'
    ? createWsClient({
        url: url.replace('http', 'ws'),
        webSocketImpl: WebSocket,
        connectionParams: { Authorization: credential },
        retryAttempts: 0,
      })
    : createSseClient({ url, headers: { Authorization: credential }, retryAttempts: 0 });
}

async function collect(client, payload, limit = Infinity) {
  const results = [];
  try {
    for await (const result of client.iterate(payload)) {
      results.push(result);
      if (results.length >= limit) break;
    }
    return { results };
  } catch (error) {
    const errors = Array.isArray(error) ? error.map((one) => one.message) : null;
    return { results, errors, code: error.code ?? error.response?.status ?? null };
  }
}

const good = client(Authorization);
const told = {
  subscription: await collect(good, { query: 'subscription ($n: Int!) { count(to: $n) }', variables: { n: 3 } }),
  query: await collect(good, { query: '{ hello }' }),
  mutation: await collect(good, { query: 'mutation { shout(word: "a") }' }),
  invalid: await collect(good, { query: 'subscription { unknown }' }),
  left: await collect(good, { query: 'subscription { forever(every: 0.01) }' }, 3),
  stranger: await collect(client('Bearer wrong'), { query: '{ hello }' }),
};
await good.dispose();
console.log(JSON.stringify(told));
process.exit(0);
