// The Node server people would pick: Fastify and Mercurius with its JIT and batching loaders, over node-postgres.
// DATABASE_URL and PORT are given by the benchmark. It answers the same queries with the same shapes as Rapport.
import Fastify from "fastify";
import mercurius from "mercurius";
import pg from "pg";

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const tenant = process.env.TENANT;
pool.on("connect", (client) => client.query("SELECT set_config('app.tenant', $1, false)", [tenant]));
await pool.query("SELECT 1");

const schema = `
  type Query { customers(first: Int!): CustomerConnection!  customer(externalId: String!): Customer }
  type CustomerConnection { nodes: [Customer!]! }
  type Customer { id: ID! email: String createdAt: String! identities: [Identity!]! events(first: Int!): EventConnection! }
  type Identity { kind: String! value: String! }
  type EventConnection { nodes: [Event!]! }
  type Event { id: ID! name: String! occurredAt: String! }
`;

const publicId = (prefix, id) => `${prefix}_${id.replaceAll("-", "")}`;
const customer = (row) => ({ key: row.id, id: publicId("cust", row.id), createdAt: row.created_at.toISOString() });

const resolvers = {
  Query: {
    async customers(_, { first }) {
      const { rows } = await pool.query({
        name: "customers",
        text: `SELECT id, created_at FROM customers WHERE tenant_id = $1 AND status = 'active'
               ORDER BY created_at DESC, id DESC LIMIT $2`,
        values: [tenant, first],
      });
      return { nodes: rows.map(customer) };
    },
    async customer(_, { externalId }) {
      const { rows } = await pool.query({
        name: "customer",
        text: `SELECT c.id, c.created_at FROM customers c JOIN identities i
               ON i.tenant_id = c.tenant_id AND i.customer_id = c.id
               WHERE i.tenant_id = $1 AND i.kind = 'external_id' AND i.value = $2`,
        values: [tenant, externalId],
      });
      return rows.length ? customer(rows[0]) : null;
    },
  },
};

const grouped = (queries, rows, make) => {
  const found = new Map();
  for (const row of rows) {
    if (!found.has(row.customer_id)) found.set(row.customer_id, []);
    found.get(row.customer_id).push(make(row));
  }
  return queries.map(({ obj }) => found.get(obj.key) ?? []);
};

const loaders = {
  Customer: {
    async email(queries) {
      const { rows } = await pool.query({
        name: "emails",
        text: `SELECT customer_id, value FROM identities
               WHERE tenant_id = $1 AND customer_id = ANY($2) AND kind = 'email' AND is_primary`,
        values: [tenant, queries.map(({ obj }) => obj.key)],
      });
      return grouped(queries, rows, (row) => row.value).map((values) => values[0] ?? null);
    },
    async identities(queries) {
      const { rows } = await pool.query({
        name: "identities",
        text: `SELECT customer_id, kind, value FROM identities WHERE tenant_id = $1 AND customer_id = ANY($2) ORDER BY id`,
        values: [tenant, queries.map(({ obj }) => obj.key)],
      });
      return grouped(queries, rows, ({ kind, value }) => ({ kind: kind.toUpperCase(), value }));
    },
    async events(queries) {
      const { rows } = await pool.query({
        name: "events",
        text: `SELECT k.customer_id, e.id, e.name, e.occurred_at FROM unnest($2::uuid[]) AS k(customer_id), LATERAL (
                 SELECT id, name, occurred_at FROM events WHERE tenant_id = $1 AND customer_id = k.customer_id
                 ORDER BY occurred_at DESC, id DESC LIMIT $3) e`,
        values: [tenant, queries.map(({ obj }) => obj.key), queries[0].params.first],
      });
      const make = (row) => ({ id: publicId("evt", row.id), name: row.name, occurredAt: row.occurred_at.toISOString() });
      return grouped(queries, rows, make).map((nodes) => ({ nodes }));
    },
  },
};

const app = Fastify();
app.register(mercurius, { schema, resolvers, loaders, jit: 1 });
await app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
console.log("ready");
