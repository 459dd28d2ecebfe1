"""Bounds on a document, checked in one linear pass before validation.

Every fragment is measured once and its measure reused, so a chain of fragments that doubles at every link costs no more
than its length. Strawberry's own limiters re-expand fragments and take seconds for a hundred tokens.
"""

from collections import defaultdict
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

MAX_TOKENS = 2000
MAX_FIELDS = 5000
MAX_ALIASES = 60
MAX_SAME_KEY = 100
MAX_DIRECTIVES = 50


@dataclass(frozen=True, slots=True)
class Measure:
    """How deep a selection goes, and how many fields and aliases it has with every fragment written out."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0


class TooLarge(GraphQLError):
    """A document beyond the bounds."""


def check_document(document: DocumentNode, max_depth: int) -> None:
    """Raises :class:`TooLarge` for a document that goes beyond a bound."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    measured: dict[str, Measure] = {}
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    for operation in operations:
        _refuse(_measure(operation.selection_set, fragments, measured, ()), max_depth)
    for name, fragment in fragments.items():
        if name not in measured:
            _refuse(_measure(fragment.selection_set, fragments, measured, (name,)), max_depth)
    for definition in (*operations, *fragments.values()):
        _check_repeats([definition.selection_set], fragments, max_depth, [MAX_FIELDS])


def _refuse(total: Measure, max_depth: int) -> None:
    bounds = (
        (total.depth, max_depth, "levels"),
        (total.fields, MAX_FIELDS, "fields"),
        (total.aliases, MAX_ALIASES, "aliases"),
        (total.directives, MAX_DIRECTIVES, "directives"),
    )
    for found, most, what in bounds:
        if found > most:
            shown = str(found) if found < 10**6 else "millions of"
            raise TooLarge(f"The operation has {shown} {what}; at most {most} are allowed.")


def _measure(
    selections: SelectionSetNode,
    fragments: dict[str, FragmentDefinitionNode],
    measured: dict[str, Measure],
    inside: tuple[str, ...],
) -> Measure:
    """The measure of a selection set. A fragment inside itself counts as empty: validation refuses it."""
    depth = fields = aliases = directives = 0
    for node in selections.selections:
        directives += len(node.directives or ())
        if isinstance(node, FieldNode):
            below = _measure(node.selection_set, fragments, measured, inside) if node.selection_set else Measure()
            depth, fields = max(depth, below.depth + 1), fields + 1
            aliases += node.alias is not None
        elif isinstance(node, FragmentSpreadNode):
            below = _measure_fragment(node.name.value, fragments, measured, inside)
            depth = max(depth, below.depth)
        else:
            assert isinstance(node, InlineFragmentNode)
            below = _measure(node.selection_set, fragments, measured, inside)
            depth = max(depth, below.depth)
        fields, aliases, directives = fields + below.fields, aliases + below.aliases, directives + below.directives
    return Measure(depth, fields, aliases, directives)


def _measure_fragment(
    name: str, fragments: dict[str, FragmentDefinitionNode], measured: dict[str, Measure], inside: tuple[str, ...]
) -> Measure:
    if name in measured:
        return measured[name]
    if name in inside or name not in fragments:
        return Measure()
    measured[name] = _measure(fragments[name].selection_set, fragments, measured, (*inside, name))
    return measured[name]


def _check_repeats(
    together: list[SelectionSetNode], fragments: dict[str, FragmentDefinitionNode], depth: int, left: list[int]
) -> None:
    """Refuses a response key that is repeated too often where selections are merged: validation compares all pairs.

    ``depth`` and ``left`` (how many fields may still be looked at) end only what goes through a fragment inside itself.
    """
    groups: defaultdict[str, list[FieldNode]] = defaultdict(list)
    seen: set[str] = set()
    waiting = list(together)
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode):
                groups[node.alias.value if node.alias else node.name.value].append(node)
                left[0] -= 1
            elif isinstance(node, InlineFragmentNode):
                waiting.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen and node.name.value in fragments:
                seen.add(node.name.value)
                waiting.append(fragments[node.name.value].selection_set)
    for nodes in groups.values():
        if len(nodes) > MAX_SAME_KEY:
            raise TooLarge(f"The same field is repeated more than {MAX_SAME_KEY} times in one selection.")
        below = [node.selection_set for node in nodes if node.selection_set]
        if below and depth and left[0] > 0:
            _check_repeats(below, fragments, depth - 1, left)
