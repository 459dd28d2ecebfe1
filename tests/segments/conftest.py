"""A crowd of one in a database, to ask rules about."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest

from app.core.access import system
from app.core.tx import UnitsOfWork
from app.segments import Verdict, compile_rule, explain_rule, members_of, read_rule
from tests.segments.people import NOW, Crowd, insert_crowd
from tests.segments.reference import Person

Ask = Callable[..., Awaitable[Any]]


class Asking:
    """Asks rules of a tenant's people."""

    def __init__(self, units: UnitsOfWork, backend: str) -> None:
        self._units = units
        self._dialect = "sqlite" if backend == "sqlite" else "postgresql"

    async def insert(self, crowd: Crowd) -> None:
        await insert_crowd(self._units, crowd)

    async def members(self, crowd: Crowd, document: object, *, whole: bool = True, now: datetime = NOW) -> set[Any]:
        compiled = compile_rule(read_rule(document), self._dialect, whole=whole)
        async with self._units.read(system(crowd.tenant_id)) as reading:
            found = await reading.session.execute(members_of(compiled), compiled.parameters(crowd.tenant_id, now))
            return set(found.scalars())

    async def explain(self, crowd: Crowd, person: Person, document: object) -> Verdict | None:
        explained = explain_rule(read_rule(document), self._dialect)
        parameters = explained.parameters(crowd.tenant_id, NOW)
        async with self._units.read(system(crowd.tenant_id)) as reading:
            row = (await reading.session.execute(explained.select(person.id), parameters)).one_or_none()
            return None if row is None else explained.read(row)


@pytest.fixture
def asking(units: UnitsOfWork, backend: str) -> Asking:
    return Asking(units, backend)
