"""The schema explains itself: everything in it has a description that says something."""

import re
from collections.abc import Iterator

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType

from resolvers.schema import schema

SENTENCE = re.compile(r"\S.*\.\Z", re.DOTALL)
STANDARD = {"String", "Int", "Float", "Boolean", "ID"}


def described() -> Iterator[tuple[str, str | None]]:
    """Everything that a client may read about, with what it is told."""
    for name, type_ in schema._schema.type_map.items():
        if name.startswith("__") or name in STANDARD:
            continue
        yield name, type_.description
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for field_name, field in type_.fields.items():
                yield f"{name}.{field_name}", field.description
                for argument_name, argument in field.args.items():
                    yield f"{name}.{field_name}({argument_name}:)", argument.description
        elif isinstance(type_, GraphQLInputObjectType):
            for field_name, input_field in type_.fields.items():
                yield f"{name}.{field_name}", input_field.description
        elif isinstance(type_, GraphQLEnumType):
            for value_name, value in type_.values.items():
                yield f"{name}.{value_name}", value.description


@pytest.mark.parametrize(("place", "description"), [pytest.param(*case, id=case[0]) for case in described()])
def test_everything_is_described_by_a_sentence(place: str, description: str | None) -> None:
    assert description, f"{place} has no description"
    assert SENTENCE.match(description), f"{place}: {description!r} is not a sentence"
