"""The planner answers exactly what a naive resolver answers: random worlds, random documents, both databases.

``PLANNER_EXAMPLES=5000`` asks for so many documents on each database (three sets of variables each), other ones than
the gate's.
"""

import asyncio
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from random import Random
from typing import Any

import orjson
import pytest
from graphql import GraphQLObjectType, get_named_type, is_abstract_type, is_leaf_type, is_required_argument, parse
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.core.settings import Settings
from app.runtime import Runtime
from asgi import create_runtime
from resolvers.engine import GraphEngine
from resolvers.protocol import GraphRequest
from tests.graph.statements import Recorder
from tests.properties import naive
from tests.properties.documents import Generated, Writer
from tests.properties.resolving import PREFIXES, SCHEMA, fields_of, moment_text
from tests.properties.rows import EPOCH, TEXTS, World
from tests.properties.words import UNPLANNED
from tests.properties.worlds import TABLES, WorldMaker, insert_worlds

EXAMPLES = int(os.environ.get("PLANNER_EXAMPLES") or 0)
PROFILE = hypothesis_settings(
    max_examples=EXAMPLES or 450,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
SIZES = (0, 2, 4, 7)
THEN = EPOCH + timedelta(days=1)
"""When some have left segments in which others still are."""
WITHOUT_ID = {
    "Consent",
    "SegmentMembership",
    "VisitorPage",
    "ConversationTag",
    "MessageRevision",
    "Agent",
    "TeamMember",
    "MetricTotals",
    "LinkTotals",
    "TestGroup",
    "ArchivedMessage",
}
"""The types of rows that are found only through others."""


@dataclass
class Graph:
    """An engine over a database of several worlds, in an event loop of its own, and what was asked of it."""

    runner: asyncio.Runner
    engine: GraphEngine
    recorder: Recorder
    worlds: list[World]
    cursors: list[dict[str, list[str]]]
    tables: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)

    def ask(self, world: World, request: GraphRequest) -> dict[str, Any]:
        """The engine's answer; every statement it ran is checked."""
        answer = self.runner.run(self.engine.execute(request, world.principal))
        found: dict[str, Any] = orjson.loads(answer.body)
        return found


@pytest.fixture(scope="module")
def graph(module_settings: Settings) -> Iterator[Graph]:
    """The worlds of this module in a fresh database."""
    maker = WorldMaker(Random(EXAMPLES))
    worlds = [maker.make(size) for size in SIZES]
    maker.introduce(worlds)
    generous = module_settings.model_copy(update={"max_cost": 10**15})

    async def start() -> Runtime:
        runtime = create_runtime(generous, runs_jobs=False)
        await runtime.start()
        await insert_worlds(runtime.units, worlds)
        return runtime

    with asyncio.Runner() as runner:
        runtime = runner.run(start())
        cursors = [naive.every_cursor(world) for world in worlds]
        yield Graph(runner, GraphEngine(runtime), Recorder(runtime.database), worlds, cursors)
        runner.run(runtime.stop())


@pytest.mark.timeout(3600 if EXAMPLES else 600)
def test_planner_answers_what_a_naive_resolver_answers(graph: Graph) -> None:
    """Equal JSON, no more statements than one for each root field, each of them kept to the caller's tenant."""

    @PROFILE
    @given(chance=st.randoms(use_true_random=True), place=st.integers(0, len(SIZES) - 1))
    def check(chance: Random, place: int) -> None:
        world = graph.worlds[place]
        written = Writer(chance, world, graph.cursors[place]).write()
        graph.counts["documents" if written else "discarded"] += 1
        if written is not None:
            for variables in written.variables:
                compare(graph, world, written, variables)

    check()
    print(f"\n{dict(graph.counts)}")  # noqa: T201 - shown with -s: the figures of a long run
    assert graph.counts["answers"] > EXAMPLES
    known = {*TABLES, "customers", "tenants", "users"}
    assert graph.tables <= known
    assert len(known - graph.tables) <= 3, "the documents hardly touch everything, though chance may pass by a few"


def compare(graph: Graph, world: World, written: Generated, variables: dict[str, Any]) -> None:
    """One document with one set of variables, both ways."""
    expected, statements = naive.answer(world, written.document, variables, written.operation)
    found = graph.ask(world, GraphRequest(written.text, variables, written.operation))
    context = f"{written.text}\n{variables}\n"
    ran = len(graph.recorder.ran)
    graph.tables |= graph.recorder.check(world.tenant["id"])
    graph.counts["answers"] += 1
    graph.counts["statements"] += ran
    assert expected.errors is None, f"{context}{expected.errors}"
    assert "errors" not in found, f"{context}{found['errors']}"
    difference = first_difference(found["data"], expected.data)
    assert difference is None, f"{context}{difference}"
    assert ran == statements, f"{context}{ran} statements, {statements} expected"


def first_difference(found: Any, expected: Any, path: str = "data") -> str | None:
    """Where two values differ as JSON: 1 and 1.0 are one number, 1 and true are two things."""
    if isinstance(found, dict) and isinstance(expected, dict):
        stored = expected.keys() <= set(TEXTS)  # a document of JSON, whose keys have no order
        if (sorted(found) if stored else list(found)) != (sorted(expected) if stored else list(expected)):
            return f"{path}: keys {list(found)}, expected {list(expected)}"
        pairs = [(f"{path}.{key}", found[key], expected[key]) for key in found]
        return next(filter(None, (first_difference(a, b, inner) for inner, a, b in pairs)), None)
    if isinstance(found, list) and isinstance(expected, list):
        if len(found) != len(expected):
            return f"{path}: {len(found)} items {found!r:.300}, expected {len(expected)}: {expected!r:.300}"
        each = enumerate(zip(found, expected, strict=True))
        return next(filter(None, (first_difference(a, b, f"{path}[{place}]") for place, (a, b) in each)), None)
    same = found == expected and isinstance(found, bool) == isinstance(expected, bool)
    return None if same else f"{path}: {found!r}, expected {expected!r}"


def test_every_field_of_every_type_is_kept_to_the_tenant(graph: Graph) -> None:
    """Documents that ask for everything, two levels deep, of everything that has an id and in every list."""
    tables: set[str] = set()
    documents = list(everything())
    for world in graph.worlds:
        ids = [*world.strangers, *world.public_ids()]
        for prefix, text in documents:
            keys = {"ids": [key for key in ids if key.startswith(f"{prefix}_")][:100]} if prefix else {}
            expected, statements = naive.answer(world, parse(text), keys, None)
            assert expected.errors is None
            found = graph.ask(world, GraphRequest(text, keys))
            assert "errors" not in found, found["errors"]
            assert len(graph.recorder.ran) == statements
            tables |= graph.recorder.check(world.tenant["id"])
            assert first_difference(found["data"], expected.data) is None
    assert tables == {*TABLES, "customers", "tenants", "users"}


def everything() -> Iterator[tuple[str, str]]:
    """For every type with ids its prefix and a document, and a document for every list: leaves, and links with the
    leaves of where they lead, now and then."""
    for type_name, prefix in PREFIXES.items():
        yield prefix, with_leaves(f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ __typename ...{type_name}All }} }}")
    for name, f in fields_of("Query").items():
        target = get_named_type(f.type)
        is_list = isinstance(target, GraphQLObjectType) and not any(map(is_required_argument, f.args.values()))
        if is_list and name not in UNPLANNED | {"viewer", "customer"}:
            yield "", with_leaves(f"{{ {name} {below(target)} }}")


def all_of(type_name: str) -> str:
    """Every field of a type, and the leaves of where it leads."""
    fields = {name: f for name, f in fields_of(type_name).items() if not is_leaf_type(get_named_type(f.type))}
    links = [f"{keyed(type_name, name)} {below(get_named_type(f.type))}" for name, f in fields.items()]
    links += [
        f'{name}Then: {name}(asOf: "{moment_text(THEN)}") {below(get_named_type(f.type))}'
        for name, f in fields.items()
        if "asOf" in f.args
    ]
    return f"{{ ...{type_name}Leaves {' '.join(links)} }}"


def with_leaves(text: str) -> str:
    """A document with the fragments that it names, and those that these name."""
    known: dict[str, str] = {}
    while True:
        whole = " ".join([text, *known.values()])
        missing = set(re.findall(r"\.\.\.(\w+)", whole)) - set(re.findall(r"fragment (\w+) on", whole))
        if not missing:
            return whole
        known |= {name: fragment(name) for name in missing}


def fragment(name: str) -> str:
    """The fragment of this name: a type's, with its leaves or with all that it has."""
    type_name = name.removesuffix("Leaves").removesuffix("All")
    fields = fields_of(type_name).items()
    leaves = " ".join(keyed(type_name, key) for key, f in fields if is_leaf_type(get_named_type(f.type)))
    return f"fragment {name} on {type_name} {f'{{ {leaves} }}' if name.endswith('Leaves') else all_of(type_name)}"


def keyed(type_name: str, name: str) -> str:
    """A field under a key that no other type uses for something else."""
    return name if shape(fields_of(type_name)[name].type) == usual_shapes()[name] else f"{name}{type_name}: {name}"


@cache
def usual_shapes() -> dict[str, str]:
    """What a field of this name mostly is: documents may have few aliases."""
    found: dict[str, Counter[str]] = {}
    for type_name in {*PREFIXES, *WITHOUT_ID}:
        for name, f in fields_of(type_name).items():
            found.setdefault(name, Counter())[shape(f.type)] += 1
    return {name: max(sorted(counts), key=counts.__getitem__) for name, counts in found.items()}


def shape(type_: Any) -> str:
    """What fields of different types must have in common to stand under one key."""
    named = get_named_type(type_)
    return str(type_) if is_leaf_type(named) else str(type_).replace(named.name, "{}")


def below(type_: Any) -> str:
    """The leaves of a type, through connections and for every possible type."""
    if type_.name.endswith("Connection"):
        row = get_named_type(type_.fields["nodes"].type)
        page = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
        return f"{{ totalCount {page} nodes {below(row)} edges {{ cursor node {{ __typename }} }} }}"
    if is_abstract_type(type_):
        possible = SCHEMA.get_possible_types(type_)
        return "{ __typename " + " ".join(f"...{one.name}Leaves" for one in possible if one.name in PREFIXES) + " }"
    return f"{{ ...{type_.name}{'All' if type_.name in WITHOUT_ID else 'Leaves'} }}"
