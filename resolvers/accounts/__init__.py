"""Tenants, members, keys, the audit log and the outbox in the graph."""
