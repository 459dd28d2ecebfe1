// The Node server people would pick for subscriptions: graphql-ws on ws, publishing in memory.
// PORT is given by the benchmark. It answers the same documents with the same shapes as Rapport.
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";
import { buildSchema, graphql } from "graphql";
import { useServer } from "graphql-ws/use/ws";
import { WebSocketServer } from "ws";

const schema = buildSchema(`
  scalar JSON
  type Query { hello: String }
  input CustomerKeyInput { id: ID }
  input TrackEventInput { customer: CustomerKeyInput! name: String! properties: JSON }
  type Event { id: ID! name: String! properties: JSON }
  type TrackPayload { event: Event }
  type Mutation { track(input: TrackEventInput!): TrackPayload }
  type TrackedEvent { cursor: String! event: Event }
  type FeedGap { cursor: String! }
  union CustomerEventsItem = TrackedEvent | FeedGap
  type Subscription { customerEvents(customerId: ID!): CustomerEventsItem }
`);

const listeners = new Map();
const publish = (topic, item) => listeners.get(topic)?.forEach((hear) => hear(item));

async function* follow(topic) {
  const waiting = [];
  let wake = () => {};
  const hear = (item) => {
    waiting.push(item);
    wake();
  };
  if (!listeners.has(topic)) listeners.set(topic, new Set());
  listeners.get(topic).add(hear);
  try {
    for (;;) {
      while (waiting.length) yield waiting.shift();
      await new Promise((resolve) => (wake = resolve));
    }
  } finally {
    listeners.get(topic).delete(hear);
  }
}

const rootValue = {
  track({ input }) {
    const event = { id: randomUUID(), name: input.name, properties: input.properties };
    const customerEvents = { __typename: "TrackedEvent", cursor: randomUUID(), event };
    publish(input.customer.id, { customerEvents });
    return { event };
  },
  customerEvents: ({ customerId }) => follow(customerId),
};

const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", async () => {
    const { query, variables } = JSON.parse(Buffer.concat(chunks));
    const result = JSON.stringify(await graphql({ schema, source: query, rootValue, variableValues: variables }));
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(result) });
    response.end(result);
  });
});
useServer({ schema, roots: { subscription: rootValue } }, new WebSocketServer({ server, path: "/graphql" }));
server.listen(Number(process.env.PORT), "127.0.0.1");
