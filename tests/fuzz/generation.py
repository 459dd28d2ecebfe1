"""What schemathesis does not derive by itself: real ids in the mix, our scalars, the operations of version 2."""

from typing import Any

import schemathesis
from graphql import GraphQLInputObjectType, TypeInfo, TypeInfoVisitor, get_named_type, parse, print_ast, visit
from graphql.language import (
    BooleanValueNode,
    FloatValueNode,
    IntValueNode,
    NameNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    StringValueNode,
    Visitor,
)
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from schemathesis.graphql import nodes

from app.rest.customerio.operations import STEPS
from resolvers.schema import schema
from tests.fuzz.conftest import Effort, Fuzzed
from tests.fuzz.world import strange_ids

MOMENTS = (
    "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5+14:00", "2026-01-01", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-23:59", "10000-01-01T00:00:00Z",
    "1969-12-31T23:59:59Z", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00+99:99", "now", "", "1e18",
)  # fmt: skip
PLAUSIBLE = (
    "new@example.com", "x" * 200 + "@example.com", "+14155550100", "Europe/Berlin", "de-CH", "ios", "customers:read",
    "subscribed", "\x00", "a\x00b", "\ufffe\uffff", "😀" * 80, "x" * 400, "%", "_", "\\", "'", "cust_", "ß", "İ", "ﬁ",
)  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(PLAUSIBLE)
)
DOCUMENTS = st.dictionaries(
    st.text(max_size=8) | st.sampled_from(["plan", "id", "email", "$type", "\x00"]),
    st.recursive(
        SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_size=4,
)


def effort_settings(effort: Effort) -> settings:
    """The same requests every time in the gate, new ones in a long run. Shrinking would take minutes over HTTP."""
    return settings(
        max_examples=effort.examples,
        derandomize=not effort.is_long,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )


def texts(fuzzed: Fuzzed) -> st.SearchStrategy[str]:
    """Words that mean something here: ids of every noun, of both tenants and of nobody; names; what is plausible."""
    ids = st.sampled_from([*fuzzed.own.public_ids, *fuzzed.foreign.public_ids, *strange_ids()])
    return ids | st.sampled_from(fuzzed.own.names) | st.sampled_from(PLAUSIBLE) | st.sampled_from(MOMENTS)


def mix(draw: Any, value: Any, words: st.SearchStrategy[str]) -> Any:
    """``value`` with some of its texts replaced."""
    if isinstance(value, str):
        return draw(words) if draw(st.booleans()) else value
    if isinstance(value, dict):
        return {name: mix(draw, inner, words) for name, inner in value.items()}
    return [mix(draw, inner, words) for inner in value] if isinstance(value, list) else value


def entities(fuzzed: Fuzzed) -> st.SearchStrategy[Any]:
    """Operations of version 2 of the Track API, which its document leaves open."""
    cio_ids = [text.split("_")[1] for text in fuzzed.own.ids["customer"] + fuzzed.foreign.ids["customer"]]
    name = st.sampled_from(["id", "email", "cio_id", "anonymous_id"])
    who = st.dictionaries(name, texts(fuzzed) | st.sampled_from(cio_ids) | st.integers(), min_size=1, max_size=1)
    moment = st.integers(0, 1_800_000_000) | st.sampled_from([-1, 10**18, 1e300, "1", True, 2**63, 10**30])
    device = st.fixed_dictionaries({"token": texts(fuzzed), "platform": st.sampled_from(["ios", "IOS", "", 5])})
    return st.fixed_dictionaries(
        {"type": st.just("person"), "action": st.sampled_from(sorted(STEPS)), "identifiers": who},
        optional={
            "attributes": DOCUMENTS, "name": texts(fuzzed), "timestamp": moment, "id": texts(fuzzed), "device": device,
            "primary": who, "secondary": who,
        },
    )  # fmt: skip


def is_one_of(kind: GraphQLInputObjectType) -> bool:
    """Strawberry says so in its own definition alone."""
    return bool(kind.extensions["strawberry-definition"].is_one_of)


class _Texts(Visitor):
    """Replaces some of the texts of a GraphQL document, and keeps one field where one is allowed (schemathesis does
    not know ``@oneOf``)."""

    def __init__(self, draw: Any, words: st.SearchStrategy[str], types: TypeInfo) -> None:
        super().__init__()
        self._draw = draw
        self._words = words
        self._types = types

    def enter_object_value(self, node: ObjectValueNode, *_: Any) -> ObjectValueNode | None:
        wanted = get_named_type(self._types.get_input_type())
        if (
            not isinstance(wanted, GraphQLInputObjectType)
            or not is_one_of(wanted)
            or self._draw(st.integers(0, 9)) == 0
        ):
            return None
        name = NameNode(value=self._draw(st.sampled_from(sorted(wanted.fields))))
        return ObjectValueNode(fields=(ObjectFieldNode(name=name, value=nodes.String(self._draw(self._words))),))

    def enter_string_value(self, node: StringValueNode, *_: Any) -> StringValueNode | None:
        return StringValueNode(value=self._draw(self._words)) if self._draw(st.booleans()) else None


def mix_graphql(draw: Any, text: str, words: st.SearchStrategy[str]) -> str:
    """The document with some of its texts replaced."""
    types = TypeInfo(schema._schema)
    return print_ast(visit(parse(text), TypeInfoVisitor(types, _Texts(draw, words, types))))


def register_scalars() -> None:
    """Tells schemathesis what our scalars may be."""
    schemathesis.graphql.scalar("DateTime", st.sampled_from(MOMENTS).map(nodes.String))
    schemathesis.graphql.scalar("JSON", DOCUMENTS.map(_literal) | SCALARS.map(_literal))


def _literal(value: Any) -> Any:
    if value is None:
        return NullValueNode()
    if isinstance(value, bool):
        return BooleanValueNode(value=value)
    if isinstance(value, int):
        return IntValueNode(value=str(value))
    if isinstance(value, float):
        return FloatValueNode(value="1e400" if value != value or abs(value) == float("inf") else repr(value))
    if isinstance(value, str):
        return nodes.String(value)
    if isinstance(value, list):
        return nodes.List([_literal(inner) for inner in value])
    fields = enumerate(value.values())
    return nodes.Object([ObjectFieldNode(name=NameNode(value=f"a{i}"), value=_literal(inner)) for i, inner in fields])
