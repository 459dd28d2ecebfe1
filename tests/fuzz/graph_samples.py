"""A plausible operation for every root field of the graph, made from its types, with every argument as a variable."""

from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
)

from resolvers.schema import schema
from tests.fuzz.world import PASSWORD, World

GRAPH = schema._schema
assert GRAPH.query_type and GRAPH.mutation_type
ROOTS = {"query": GRAPH.query_type, "mutation": GRAPH.mutation_type}
NOUNS = ("conversation", "visitor", "widget", "campaign", "experiment", "integration", "delivery")
"""What a root field of that name finds by ``id``, and others by ``campaignId`` and the like."""
FIELDS = [(kind, name) for kind, root in ROOTS.items() for name in root.fields]


def operation(kind: str, name: str, world: World) -> tuple[str, dict[str, Any]]:
    """The document and its variables. Of ``first`` and ``last``, ``after`` and ``before`` only the former are given."""
    field = ROOTS[kind].fields[name]
    given = [argument for argument in field.args if argument not in ("last", "before", "after")]
    if name == "customer":
        given = ["id"]
    declared = ", ".join(f"${argument}: {field.args[argument].type}" for argument in given)
    passed = ", ".join(f"{argument}: ${argument}" for argument in given)
    body = f"{name}{f'({passed})' if passed else ''} {_selection(field.type, 3)}"
    document = f"{kind} Sample{f'({declared})' if declared else ''} {{ {body} }}"
    words = _words(world)
    if name in ("segment", *NOUNS):
        words["id"] = world.ids[name][0]
    return document, {argument: _value(field.args[argument].type, argument, words) for argument in given}


def _words(world: World) -> dict[str, Any]:
    """What the arguments and input fields of these names hold; others hold something of their type."""
    people = world.ids["customer"]
    return {
        "id": people[0],
        "ids": [people[0], world.ids["event"][0]],
        "customer": {"id": people[1]},
        "winner": {"id": people[2]},
        "loser": {"id": people[3]},
        "mergeId": world.ids["merge"][0],
        "memberId": world.ids["member"][0],
        "apiKeyId": world.ids["api_key"][0],
        "subjectId": people[0],
        "tenantId": world.ids["tenant"][0],
        "segmentId": world.ids["segment"][1],
        "fromSegmentId": world.ids["segment"][0],
        "customerId": people[0],
        **{f"{noun}Id": world.ids[noun][0] for noun in NOUNS},
        "rule": {"attribute": {"name": "plan", "is": {"equals": "pro"}}},
        "csv": f"id\n{people[0]}\nnobody",
        "column": "id",
        "password": PASSWORD,
        "new": PASSWORD,
        "current": PASSWORD + "?",
        "email": "sample@example.com",
        "phone": "+14155550100",
        "timezone": "Europe/Berlin",
        "locale": "de-CH",
        "platform": "ios",
        "scopes": ["customers:read"],
    }


def _value(kind: Any, name: str, words: dict[str, Any]) -> Any:
    if isinstance(kind, GraphQLNonNull):
        return _value(kind.of_type, name, words)
    if getattr(kind, "name", "") == "RuleInput":  # it holds itself: a rule of that type ends, whatever its field's name
        return words["rule"]
    if name in words and not (isinstance(words[name], dict) and is_leaf_type(kind) and kind.name != "JSON"):
        return words[name]
    if isinstance(kind, GraphQLList):
        return [_value(kind.of_type, name, words)]
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if isinstance(kind, GraphQLInputObjectType) and kind.extensions["strawberry-definition"].is_one_of:
        field = next(iter(kind.fields))
        return {field: _value(kind.fields[field].type, field, words)}
    if isinstance(kind, GraphQLInputObjectType):
        return {field: _value(inner.type, field, words) for field, inner in kind.fields.items()}
    plain = {"Int": 3, "Boolean": False, "JSON": {"plan": "pro"}, "DateTime": "2026-01-01T00:00:00Z"}
    return plain.get(kind.name, f"some {name}")


def _selection(kind: Any, depth: int) -> str:
    named = get_named_type(kind)
    if not isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
        return "{ __typename }" if hasattr(named, "types") else ""
    parts = ["__typename"]
    for name, field in named.fields.items():
        below = get_named_type(field.type)
        if is_leaf_type(below):
            parts.append(name)
        elif depth > 1:
            page = "(first: 2)" if "first" in field.args else ""
            parts.append(f"{name}{page} {_selection(field.type, depth - 1)}")
    return "{ " + " ".join(parts) + " }"
