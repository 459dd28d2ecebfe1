"""The reader of statements sees what it is there to see: a table that is not kept to the tenant."""

import pytest

from tests.graph.statements import read_statement


def test_a_narrowed_statement_is_read() -> None:
    named = read_statement(
        "SELECT coalesce((SELECT '(' || c.id FROM customers AS c WHERE c.id = $2::UUID AND c.tenant_id = $1::UUID AND"
        " (EXISTS (SELECT i.id FROM identities AS i WHERE i.tenant_id = $1::UUID) OR c.x LIKE $3::VARCHAR)), 'null')"
    )
    assert (named.tables, named.tenants) == ({"customers", "identities"}, {0})
    named = read_statement(
        "SELECT t.a FROM (SELECT u.name AS a FROM users AS u WHERE u.id IN (SELECT m.user_id FROM members AS m"
        " WHERE m.tenant_id = ?) AND u.id = ?) AS t, json_each(?) AS j"
    )
    assert (named.tables, named.tenants) == ({"users", "members"}, {0})


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT c.id FROM customers AS c",
        "SELECT c.id FROM customers AS c WHERE c.id = ?",
        "SELECT c.id FROM customers AS c WHERE c.tenant_id = c.tenant_id",
        "SELECT c.id FROM customers AS c WHERE c.tenant_id = ? OR c.id = ?",
        "SELECT c.id FROM customers AS c, events AS e WHERE c.tenant_id = ?",
        "SELECT c.id FROM customers AS c JOIN events AS e ON e.customer_id = c.id WHERE c.tenant_id = ?",
        "SELECT c.id FROM customers AS c WHERE c.id = (SELECT e.id FROM events AS e WHERE e.tenant_id = ?)",
        "SELECT c.id FROM customers AS c WHERE EXISTS (SELECT 1 FROM events AS e WHERE c.tenant_id = ?)",
        "SELECT t.id FROM tenants AS t WHERE t.tenant_id = ?",
        "SELECT u.id FROM users AS u WHERE u.id = ?",
        "SELECT u.id FROM users AS u WHERE u.id IN (SELECT m.user_id FROM members AS m)",
        "SELECT x.id FROM strange AS x WHERE x.tenant_id = ?",
        "SELECT x.value FROM strange(?) AS x",
        "SELECT c.id FROM customers AS c WHERE c.tenant_id = ? UNION SELECT c.id FROM customers AS c",
    ],
)
def test_a_statement_that_is_not_narrowed_is_refused(sql: str) -> None:
    with pytest.raises(AssertionError):
        read_statement(sql)
