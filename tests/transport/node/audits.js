// Runs the audits of the GraphQL over HTTP working group. Usage: node audits.js <url> <key>
import { auditServer } from 'graphql-http';

const [, , url, key] = process.argv;
const fetchFn = (target, options = {}) =>
  fetch(target, { ...options, headers: { ...options.headers, authorization: `Bearer ${key}` } });
const results = await auditServer({ url, fetchFn });
const told = results.map(({ id, name, status, reason }) => ({ id, name, status, reason }));
console.log(JSON.stringify(told));
