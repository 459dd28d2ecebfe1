"""Whether an answer of the graph is one that its schema allows: the planner's SQL writes it without the executor."""

from functools import cache
from typing import Any

from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLResolveInfo,
    GraphQLSchema,
    NameNode,
    SelectionSetNode,
    Visitor,
    build_client_schema,
    execute,
    introspection_from_schema,
    parse,
    print_ast,
    visit,
)

from resolvers.schema import schema

TYPENAME = FieldNode(name=NameNode(value="__typename"), arguments=(), directives=())


class _Typenames(Visitor):
    def leave_selection_set(self, node: SelectionSetNode, *_: Any) -> SelectionSetNode:
        return SelectionSetNode(selections=(TYPENAME, *node.selections))


def with_typenames(document: str) -> str:
    """The document, asking for the type of everything too."""
    return print_ast(visit(parse(document), _Typenames()))


def assert_conforms(document: str, variables: dict[str, Any], data: dict[str, Any]) -> None:
    """The executor, given ``data`` to answer ``document`` from, finds nothing wrong and says the same."""
    result = execute(
        _client_schema(),
        parse(document),
        root_value=data,
        variable_values=variables,
        field_resolver=_read,
        type_resolver=lambda value, *_: value["__typename"],
    )
    assert isinstance(result, ExecutionResult)
    assert (result.data, result.errors) == (data, None), (document, data, result)


def _read(source: dict[str, Any], info: GraphQLResolveInfo[Any], **_: Any) -> Any:
    return source[str(info.path.key)]


@cache
def _client_schema() -> GraphQLSchema:
    return build_client_schema(introspection_from_schema(schema._schema))
