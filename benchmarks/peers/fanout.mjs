// The Node server people would pick for subscriptions: graphql-ws on ws, publishing in memory.
// PORT is given by the benchmark. It answers the same documents with the same shapes as Rapport.
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";
import { buildSchema, graphql } from "graphql";
import { useServer } from "graphql-ws/use/ws";
import { WebSocketServer } from "ws";

const schema = buildSchema(`
  type Query { hello: String }
  input SendMessageInput { conversationId: ID! text: String! }
  type Message { id: ID! seq: Int! senderName: String! text: String! }
  type SendMessagePayload { message: Message! }
  type Mutation { sendMessage(input: SendMessageInput!): SendMessagePayload! }
  type ConversationChange { cursor: String! change: String! message: Message }
  type FeedGap { cursor: String! }
  union ConversationItem = ConversationChange | FeedGap
  type Subscription { conversation(conversationId: ID!): ConversationItem! }
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

let seq = 0;
const rootValue = {
  sendMessage({ input }) {
    const message = { id: randomUUID(), seq: ++seq, senderName: "Ada", text: input.text };
    const cursor = `epoch-${seq}`;
    const conversation = { __typename: "ConversationChange", cursor, change: "MESSAGE_CREATED", message };
    publish(input.conversationId, { conversation });
    return { message };
  },
  conversation: ({ conversationId }) => follow(conversationId),
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
