"""Input objects, built from what is known of their types beforehand.

Strawberry asks every field of every object anew for its name and its type; of a batch of events that takes longer than
storing them. Its hook for types that build their own value lets us ask once.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from typing import Any

import strawberry
from graphql import GraphQLInputObjectType, GraphQLInputType, GraphQLList, GraphQLNonNull
from strawberry.types.base import StrawberryObjectDefinition

Convert = Callable[[Any], Any]


def prepare_inputs(schema: strawberry.Schema) -> None:
    """Makes every input type of ``schema`` build its own value."""
    builds: dict[str, Convert] = {}
    for graphql_type in schema._schema.type_map.values():
        if isinstance(graphql_type, GraphQLInputObjectType):
            build = builds[graphql_type.name] = _build(graphql_type, schema, builds)
            _definition(graphql_type).from_input = lambda _, given, __, build=build: build(given)


def _definition(graphql_type: GraphQLInputObjectType) -> StrawberryObjectDefinition:
    definition: StrawberryObjectDefinition = graphql_type.extensions["strawberry-definition"]
    return definition


def _build(graphql_type: GraphQLInputObjectType, schema: strawberry.Schema, builds: Mapping[str, Convert]) -> Convert:
    definition = _definition(graphql_type)
    names = {schema.config.name_converter.from_field(field): field.python_name for field in definition.fields}
    fields = {name: (names[name], _convert(field.type, builds)) for name, field in graphql_type.fields.items()}
    # A field that may be left out and names no default is None, as Strawberry has it.
    absent = {
        field.python_name: None
        for field in definition.fields
        if field.default_value is MISSING and field.default_factory is MISSING
    }

    def build(given: Mapping[str, Any]) -> Any:
        values: dict[str, Any] = dict(absent)
        for key, value in given.items():
            name, convert = fields[key]
            values[name] = value if convert is None else convert(value)
        return definition.origin(**values)

    return build


def _convert(graphql_type: GraphQLInputType, builds: Mapping[str, Convert]) -> Convert | None:
    """From what graphql-core has coerced to what a resolver gets; None if it is the same."""
    if isinstance(graphql_type, GraphQLNonNull):
        return _convert(graphql_type.of_type, builds)
    if isinstance(graphql_type, GraphQLList):
        item = _convert(graphql_type.of_type, builds)
        if item is None:
            return lambda given: given if given is None else list(given)
        return lambda given: given if given is None else [None if one is None else item(one) for one in given]
    if isinstance(graphql_type, GraphQLInputObjectType):
        # Looked up when it is needed: types may be each other's fields.
        name = graphql_type.name
        return lambda given: given if given is None else builds[name](given)
    return None
