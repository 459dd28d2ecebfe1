"""Whoever may not do something is told so, whatever they say: not what an id looks like, and not what is wrong."""

from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLList, GraphQLNonNull, get_named_type

from resolvers.schema import schema
from tests.graph.callers import Caller, everything_stored
from tests.graph.mutations import PUBLIC_MUTATIONS, WITHOUT_INPUT
from tests.graph.talk import TALK_PUBLIC
from tests.graph.test_mutations import written

GRAPH = schema._schema
assert GRAPH.mutation_type and GRAPH.query_type and GRAPH.subscription_type
OF_MEMBERS = WITHOUT_INPUT | {"changePassword", "updateProfile"}
"""For these no scope is asked: whoever is signed in may change what is theirs."""
OF_BOTH_SIDES = {"setTyping"}
"""Whose scope depends on who calls."""
SCOPED = sorted(set(GRAPH.mutation_type.fields) - PUBLIC_MUTATIONS - TALK_PUBLIC - OF_MEMBERS - OF_BOTH_SIDES)
PLAIN = {"ID": "what?", "Int": 1, "Float": 0.5, "Boolean": True, "JSON": {}, "DateTime": "2026-01-01T00:00:00Z"}
STREAMS = sorted(
    name
    for name, field in GRAPH.subscription_type.fields.items()
    if "ID" in {get_named_type(argument.type).name for argument in field.args.values()}
)
WATCHED_BY_BOTH = {"conversation", "typing", "visitorConversation"}


def nonsense(kind: Any) -> Any:
    """Something of the type: every id in it is none."""
    if isinstance(kind, GraphQLNonNull):
        return nonsense(kind.of_type)
    if isinstance(kind, GraphQLList):
        return [nonsense(kind.of_type)]
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if not isinstance(kind, GraphQLInputObjectType):
        return PLAIN.get(kind.name, "nonsense")
    if kind.name == "RuleInput":
        return {"segment": {"id": "what?"}}
    fields = list(kind.fields)[:1] if kind.extensions["strawberry-definition"].is_one_of else kind.fields
    return {name: nonsense(kind.fields[name].type) for name in fields}


@pytest.mark.parametrize("name", SCOPED)
async def test_leave_is_asked_before_anything_is_read(owner: Caller, name: str) -> None:
    arguments = GRAPH.mutation_type.fields[name].args  # type: ignore[union-attr]
    given = {"input": nonsense(arguments["input"].type)} if arguments else {}
    text = written(name, "__typename") if arguments else f"mutation {{ {name} {{ __typename }} }}"
    before = await everything_stored(owner.house)
    refusal = await owner.key().refusal(text, **given)
    assert refusal.keys() == {"code", "scope"} and refusal["code"] == "FORBIDDEN"
    assert await owner.nobody.refusal(text, **given) == {"code": "UNAUTHENTICATED"}
    assert await everything_stored(owner.house) == before


@pytest.mark.parametrize("name", sorted(set(STREAMS) - WATCHED_BY_BOTH))
async def test_leave_is_asked_before_a_stream_reads_its_ids(owner: Caller, name: str) -> None:
    field = GRAPH.subscription_type.fields[name]  # type: ignore[union-attr]
    given = {key: "what?" for key, argument in field.args.items() if get_named_type(argument.type).name == "ID"}
    declared = ", ".join(f"${key}: {field.args[key].type}" for key in given)
    text = f"subscription({declared}) {{ {name}({', '.join(f'{key}: ${key}' for key in given)}) {{ __typename }} }}"
    refusal = await owner.key().follow_refusal(text, **given)
    assert refusal.keys() == {"code", "scope"} and refusal["code"] == "FORBIDDEN"
