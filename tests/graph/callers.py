"""Asking the graph in few words, and looking at everything that is stored."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import select
from sqlmodel import SQLModel

from app.core.access import PUBLIC, Principal, Scope
from app.core.ids import new_id
from app.runtime import Runtime
from resolvers.engine import GraphEngine
from resolvers.protocol import Answer, GraphRequest, Refused

Json = dict[str, Any]


@dataclass(frozen=True)
class Caller:
    """Somebody who asks the graph."""

    engine: GraphEngine
    house: Runtime
    principal: Principal

    async def answer(self, text: str, **variables: Any) -> Answer:
        """The answer as the transport gets it."""
        return await self.engine.execute(GraphRequest(text, variables), self.principal)

    async def ask(self, text: str, **variables: Any) -> Json:
        """The whole response."""
        found: Json = orjson.loads((await self.answer(text, **variables)).body)
        return found

    async def data(self, text: str, **variables: Any) -> Any:
        """``data`` of a response without errors."""
        found = await self.ask(text, **variables)
        assert "errors" not in found, found["errors"]
        return found["data"]

    async def error(self, text: str, **variables: Any) -> Json:
        """The one error of a response."""
        found = await self.ask(text, **variables)
        assert len(found["errors"]) == 1, found
        error: Json = found["errors"][0]
        return error

    async def refusal(self, text: str, **variables: Any) -> Json:
        """The extensions of the one error, without the list of issues."""
        extensions: Json = (await self.error(text, **variables))["extensions"]
        return {name: value for name, value in extensions.items() if name != "issues"}

    def key(self, *scopes: Scope) -> "Caller":
        """An API key of the same tenant with only these scopes."""
        principal = replace(
            self.principal, kind="api_key", id=new_id(), label="a key", scopes=frozenset(scopes), role=None
        )
        return replace(self, principal=principal)

    def without(self, scope: Scope) -> "Caller":
        """The same caller, who lacks one scope."""
        return replace(self, principal=replace(self.principal, scopes=self.principal.scopes - {scope}))

    @property
    def nobody(self) -> "Caller":
        """Somebody who sent no credential."""
        return replace(self, principal=PUBLIC)

    @asynccontextmanager
    async def follow(self, text: str, **variables: Any) -> AsyncGenerator["Stream", None]:
        """A subscription, closed at the end of the block."""
        stream = self.engine.subscribe(GraphRequest(text, variables), self.principal)
        try:
            yield Stream(stream)
        finally:
            await stream.aclose()

    async def follow_refusal(self, text: str, **variables: Any) -> Json:
        """Why a subscription is refused before it begins: the extensions without the list of issues."""
        stream = self.engine.subscribe(GraphRequest(text, variables), self.principal)
        try:
            await anext(stream)
        except Refused as refused:
            (error,) = orjson.loads(refused.answer.body)["errors"]
            return {name: value for name, value in error["extensions"].items() if name != "issues"}
        finally:
            await stream.aclose()
        raise AssertionError("was not refused")


@dataclass(frozen=True)
class Stream:
    """What a subscription sends."""

    results: AsyncGenerator[bytes, None]

    async def next(self) -> Any:
        """The payload of the next result, which has no errors."""
        found = orjson.loads(await anext(self.results))
        assert "errors" not in found, found["errors"]
        (payload,) = found["data"].values()
        return payload

    async def take(self, count: int) -> list[Any]:
        """The next payloads."""
        return [await self.next() for _ in range(count)]


async def everything_stored(house: Runtime) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    found = {}
    async with house.database.reader.connect() as connection:
        for table in SQLModel.metadata.sorted_tables:
            rows = await connection.execute(select(table))
            found[table.name] = sorted(map(repr, rows.all()))
    return found
