"""Reads the SQL that the planner made: which tables each SELECT names, and that each is kept to the caller's tenant.

It knows nothing of how the SQL was made. A table must be narrowed in the very SELECT that names it, and nothing beside
its condition may widen that again.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from sqlmodel import SQLModel

import models  # noqa: F401 - fills the metadata
from app.core.database import Database

TOKEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|\$\d+|\?|[A-Za-z_]\w*|\d+|::|<=|>=|<>|!=|\|\||\S")
SEARCH = "message_search"
"""Finds ids of conversations by words, of which the tenant is one; those of others are narrowed where they are used."""
TABLES = frozenset(SQLModel.metadata.tables) | {SEARCH}
FUNCTIONS = {"json_each", "jsonb_array_elements_text"}
ENDS = {"WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "UNION", "EXCEPT", "INTERSECT"}

Group = list[Any]
"""Tokens, and groups for what stands in parentheses."""


@dataclass(frozen=True)
class Parameter:
    """A bound parameter by its place among those given to the driver."""

    place: int


@dataclass
class Named:
    """What one statement names. ``tenants`` are the places of the parameters that must be the caller's tenant."""

    tables: set[str] = field(default_factory=set)
    tenants: set[int] = field(default_factory=set)


@cache
def read_statement(sql: str) -> Named:
    """What ``sql`` names. Raises AssertionError for a table that is not kept to the tenant."""
    named = Named()
    _read_group(_grouped(sql), named, sql)
    return named


def _grouped(sql: str) -> Group:
    stack: list[Group] = [[]]
    questions = 0
    for token in TOKEN.findall(sql):
        if token == "(":
            stack.append([])
        elif token == ")":
            group = stack.pop()
            stack[-1].append(group)
        elif token == "?":
            stack[-1].append(Parameter(questions))
            questions += 1
        elif token.startswith("$") and len(token) > 1:
            stack[-1].append(Parameter(int(token[1:]) - 1))
        else:
            stack[-1].append(token)
    assert len(stack) == 1, sql
    return stack[0]


def _read_group(group: Group, named: Named, sql: str) -> None:
    words = [token.upper() if isinstance(token, str) else "" for token in group]
    if "UNION" in words:
        place = words.index("UNION")
        _read_group(group[:place], named, sql)
        _read_group(group[place + 1 :], named, sql)
        return
    for token in group:
        if isinstance(token, list):
            _read_group(token, named, sql)
    assert words.count("SELECT") <= 1, f"more than one SELECT on one level: {sql}"
    if "FROM" not in words:
        return
    begin = words.index("FROM") + 1
    end = next((place for place in range(begin, len(words)) if words[place] in ENDS), len(words))
    where = group[end + 1 : next((p for p in range(end + 1, len(words)) if words[p] in ENDS), len(words))]
    assert "OR" not in [token.upper() for token in where if isinstance(token, str)], f"OR beside the tenant: {sql}"
    for table, alias in _sources(group[begin:end], sql):
        named.tables.add(table)
        place = _condition(table, alias, where)
        assert place is not None, f"{table} AS {alias} is not kept to the tenant:\n{sql}"
        named.tenants |= place


def _sources(clause: Group, sql: str) -> list[tuple[str, str]]:
    """The tables of a FROM clause with their aliases; derived tables and functions name none."""
    found = []
    for place, token in enumerate(clause):
        if not isinstance(token, str) or (place and clause[place - 1] not in (",", "JOIN")):
            continue
        following = clause[place + 1 : place + 3]
        if following and isinstance(following[0], list):
            assert token in FUNCTIONS, f"an unknown function {token}: {sql}"
            continue
        assert token in TABLES, f"an unknown table {token}: {sql}"
        found.append((token, following[1] if following[:1] == ["AS"] else token))
    return found


def _condition(table: str, alias: str, where: Group) -> set[int] | None:
    if table == "users":
        return _colleagues(alias, where)
    if table == SEARCH:
        return set()
    column = "id" if table == "tenants" else "tenant_id"
    wanted = [alias, ".", column, "="]
    for place in range(len(where) - 4):
        if where[place : place + 4] == wanted and isinstance(where[place + 4], Parameter):
            return {where[place + 4].place}
    return None


def _colleagues(alias: str, where: Group) -> set[int] | None:
    """A user is seen through a membership of the tenant, whose own SELECT is read like any other."""
    wanted = [alias, ".", "id", "IN"]
    for place in range(len(where) - 4):
        inner = where[place + 4]
        if where[place : place + 4] == wanted and isinstance(inner, list) and "members" in inner:
            return set()
    return None


@dataclass
class Recorder:
    """Stands around a database's statements: everything still runs, and what ran is kept."""

    database: Database
    ran: list[tuple[str, Sequence[Any], UUID | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        statements = self.database.statements
        original = statements.cell

        async def cell(sql: str, parameters: Sequence[Any], tenant_id: UUID | None) -> Any:
            self.ran.append((sql, tuple(parameters), tenant_id))
            return await original(sql, parameters, tenant_id)

        statements.cell = cell  # type: ignore[method-assign]

    def check(self, tenant_id: UUID) -> set[str]:
        """Asserts that all that ran was kept to this tenant, and forgets it. Returns the tables that were named."""
        tables: set[str] = set()
        for sql, parameters, carried in self.ran:
            named = read_statement(sql)
            assert carried == tenant_id
            for place in named.tenants:
                assert str(parameters[place]).replace("-", "") == tenant_id.hex, sql
            tables |= named.tables
        self.ran.clear()
        return tables
