"""From a selection to one statement. A plan's statement has one row and one cell: the JSON of the field."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from graphql import GraphQLEnumType, GraphQLField, GraphQLList, GraphQLNonNull, GraphQLObjectType, get_nullable_type
from sqlalchemy import String, Uuid, and_, bindparam, case, func, or_, select
from sqlalchemy.sql import ColumnElement, Select
from strawberry.utils.str_converters import to_camel_case

from app.core.access import Scope
from app.core.errors import Invalid
from app.core.ids import PREFIXES, parse_any_id, parse_id
from resolvers.planner.arguments import Bindings, Values, stand_in
from resolvers.planner.declare import BY_NOUN, LIST_MAX, TABLE_TYPES, ById, Choice, Column, Link, Order, Rows, rows
from resolvers.planner.paging import beyond, cursor_text, limit, read_page, sorted_by
from resolvers.planner.selection import Details, Scene, SelectedField, declared, named
from resolvers.planner.sql import (
    Concat,
    Joined,
    KeyOfPublicId,
    Listed,
    Rendered,
    boolean,
    json_object,
    or_null,
    punctuation,
)

Json = ColumnElement[Any]
BY_KEY = Order("k", "id", descending=False)
KEY = "key"
SCALARS = {"Int": "number", "Float": "number", "DateTime": "moment", "JSON": "json"}


@dataclass
class Builder:
    """Builds one statement. ``arguments`` tells each field's place in ``values``; both come from the request.

    ``scopes`` gathers what the caller must hold and for which field; ``sizes`` how many rows each level may read
    (its parent's index and its own size, from the arguments).
    """

    scene: Scene
    arguments: Mapping[tuple[int, int], int]
    values: Sequence[Values]
    bindings: Bindings = field(default_factory=Bindings)
    scopes: dict[Scope, str] = field(default_factory=dict)
    sizes: list[tuple[int, Callable[[Sequence[Values]], int]]] = field(default_factory=list)

    def root(self, definition: GraphQLField, details: Details) -> Select[Any]:
        """The statement of a root field."""
        return select(self._declared(definition, details, None, -1))

    def ref(self, target: GraphQLObjectType, details: Details) -> Select[Any]:
        """The statement of one row of a type, by the parameter ``key``."""
        table = TABLE_TYPES[target.name]
        found = table.found(table.model)
        found = found.where(found.c.id == bindparam(KEY, type_=Uuid(), required=True))
        return select(self._one(found, target, details, self._level(-1, 1)))

    def _level(self, parent: int, size: int | Callable[[Sequence[Values]], int]) -> int:
        self.sizes.append((parent, size if callable(size) else lambda _: size))
        return len(self.sizes) - 1

    def _ask(self, scope: Scope | None, what: str) -> None:
        if scope is not None:
            self.scopes.setdefault(scope, what)

    def _index(self, definition: GraphQLField, details: Details) -> int:
        return self.arguments.get((id(details[0].node), id(definition)), -1)

    def _declared(self, definition: GraphQLField, details: Details, parent: Rows | None, level: int) -> Json:
        plan = declared(definition)
        index = self._index(definition, details)
        if isinstance(plan, ById):
            return self._by_id(plan, details, index)
        if isinstance(plan, Choice):
            return self._choice(plan, details, parent, level)
        assert isinstance(plan, Link)
        self._ask(plan.scope, details[0].node.name.value)
        target = named(definition)
        assert isinstance(target, GraphQLObjectType)
        found = plan.find(parent, **self._given(definition, index)) if index >= 0 else plan.find(parent)
        if plan.kind == "page":
            below = self._level(level, lambda values: read_page(values[index]).size)
            return self._page(found, target, details, index, below)
        if plan.kind == "many":
            return self._many(found, target, details, self._level(level, plan.size))
        return self._one(found, target, details, self._level(level, 1))

    def _given(self, definition: GraphQLField, index: int) -> dict[str, Any]:
        values = self.values[index]
        plan = declared(definition)
        assert isinstance(plan, Link)
        names = plan.find.__code__.co_varnames[
            1 : plan.find.__code__.co_argcount + plan.find.__code__.co_kwonlyargcount
        ]
        return {
            name: stand_in(values.get(to_camel_case(name)), (to_camel_case(name),), index, self.bindings)
            for name in names
        }

    # ---- rows ---------------------------------------------------------------------------------------------------

    def _object(self, row: Rows, target: GraphQLObjectType, details: Details, level: int) -> Json:
        table = TABLE_TYPES[target.name]
        self._ask(table.scope, target.name)
        members = []
        for selected in self.scene.fields(target, details):
            members.append((selected.key, self._member(selected, row, target, level)))
        return json_object(members)

    def _member(self, selected: SelectedField, row: Rows, target: GraphQLObjectType, level: int) -> Json:
        if selected.definition is None:
            return punctuation(f'"{target.name}"')
        plan = declared(selected.definition)
        if isinstance(plan, Column):
            self._ask(plan.scope, f"{target.name}.{selected.name}")
            return self._column(selected.definition, plan, row, target)
        return self._declared(selected.definition, selected.details, row, level)

    def _column(self, definition: GraphQLField, plan: Column, row: Rows, target: GraphQLObjectType) -> Json:
        name = definition.extensions["strawberry-definition"].python_name
        value = plan.expression(row) if plan.expression else row.c[name]
        nullable = not isinstance(definition.type, GraphQLNonNull)
        kind = named(definition)
        if isinstance(get_nullable_type(definition.type), GraphQLList):
            text: Json = Rendered("json", value)
        elif kind.name == "Boolean":
            text = boolean(value, nullable=nullable)
        elif kind.name == "ID":
            text = Rendered("id", value, PREFIXES[TABLE_TYPES[target.name].noun])
        elif isinstance(kind, GraphQLEnumType):
            text = Rendered("name", value)
        else:
            text = Rendered(SCALARS.get(kind.name, "text"), value)
        return or_null(text) if nullable else text

    def _one(self, found: Rows, target: GraphQLObjectType, details: Details, level: int) -> Json:
        inner = select(self._object(found, target, details, level)).select_from(found.table).where(*found.conditions)
        if found.order is not None:
            inner = inner.order_by(*sorted_by(found.order, found.c))
        return or_null(inner.limit(1).correlate_except(found.table).scalar_subquery())

    def _many(self, found: Rows, target: GraphQLObjectType, details: Details, level: int) -> Json:
        bounded = (
            select(found.table)
            .where(*found.conditions)
            .order_by(*sorted_by(found.order or BY_KEY, found.c))
            .limit(LIST_MAX)
            .correlate_except(found.table)
            .subquery()
        )
        row = replace(found, table=bounded)
        texts = select(func.coalesce(Joined(self._object(row, target, details, level)), punctuation("")))
        joined = texts.select_from(bounded).correlate_except(bounded).scalar_subquery()
        return Concat(punctuation("["), joined, punctuation("]"))

    # ---- pages --------------------------------------------------------------------------------------------------

    def _page(self, found: Rows, target: GraphQLObjectType, details: Details, index: int, level: int) -> Json:
        page = read_page(self.values[index])
        order = found.order or BY_KEY
        conditions = list(found.conditions)
        for argument, following in (("after", True), ("before", False)):
            if self.values[index].get(argument) is not None:
                conditions.append(beyond(order, found.c, argument, index, self.bindings, following=following))
        bounded = (
            select(found.table)
            .where(*conditions)
            .order_by(*sorted_by(order, found.c, reverse=page.backward))
            .limit(limit(index, self.bindings, 1))
            .correlate_except(found.table)
            .subquery()
        )
        row = replace(found, table=bounded)
        return PageBuilder(self, row, found, order, page.backward, page.bounded, index, level).json(target, details)

    # ---- rows of any type ---------------------------------------------------------------------------------------

    def _choice(self, plan: Choice, details: Details, parent: Rows | None, level: int) -> Json:
        self._ask(plan.scope, details[0].node.name.value)
        whens = []
        below = self._level(level, 1)
        for condition, strawberry_type, found in plan.cases(parent):
            target = self.scene.object_type(strawberry_type)
            whens.append((condition, self._one(found, target, details, below)))
        return case(*whens, else_=punctuation("null"))

    def _by_id(self, plan: ById, details: Details, index: int) -> Json:
        given = self.values[index][plan.argument]
        if plan.many:
            return self._nodes(plan.argument, details, index)
        noun, _ = parse_any_id(given)
        key = self.bindings.add(index, lambda values: parse_id(noun, values[plan.argument]), Uuid())
        return self._node(noun, key, details, lambda _: 1)

    def _nodes(self, argument: str, details: Details, index: int) -> Json:
        """An array over the list of ids, which is one parameter: a plan has one lookup per noun, not per id."""
        ids = self.bindings.add(index, lambda values: orjson.dumps(values[argument]).decode(), String())
        listed = Listed(ids).table_valued("key", "value")
        whens = []
        for noun in sorted({parse_any_id(text)[0] for text in self.values[index][argument]}):
            prefix = f"{PREFIXES[noun]}_"
            is_it = listed.c.value.startswith(prefix, autoescape=True)
            key = case((is_it, KeyOfPublicId(listed.c.value, PREFIXES[noun])))
            whens.append((is_it, self._node(noun, key, details, _counted(index, argument, prefix))))
        if not whens:
            return punctuation("[]")
        node = case(*whens, else_=punctuation("null")).label("node")
        texts = select(node).select_from(listed).order_by(listed.c.key).subquery()
        joined = select(Joined(texts.c.node)).correlate_except(texts).scalar_subquery()
        return Concat(punctuation("["), joined, punctuation("]"))

    def _node(self, noun: str, key: Any, details: Details, size: Callable[[Sequence[Values]], int]) -> Json:
        strawberry_type = BY_NOUN.get(noun)
        if strawberry_type is None:
            return punctuation("null")
        target = self.scene.object_type(strawberry_type)
        found = rows(TABLE_TYPES[target.name].model)
        return self._one(found.where(found.c.id == key), target, details, self._level(-1, size))


def _counted(index: int, argument: str, prefix: str) -> Callable[[Sequence[Values]], int]:
    return lambda values: sum(text.startswith(prefix) for text in values[index][argument])


NODES_MAX = 100


def shape_by_id(plan: ById, values: Values) -> tuple[str, ...]:
    """The nouns of the ids asked for: they shape the plan. Raises :class:`Invalid` at the id that is none."""
    given = values[plan.argument]
    if not plan.many:
        return (parse_any_id(given, plan.argument)[0],)
    if len(given) > NODES_MAX:
        raise Invalid.at(plan.argument, f"has more than {NODES_MAX} ids")
    return tuple(sorted({parse_any_id(text, f"{plan.argument}.{place}")[0] for place, text in enumerate(given)}))


@dataclass
class PageBuilder:
    """One page of a connection: ``row`` is the bounded page in SQL, ``found`` all the rows it is a page of."""

    builder: Builder
    row: Rows
    found: Rows
    order: Order
    backward: bool
    bounded: bool
    index: int
    level: int
    columns: dict[str, Json] = field(default_factory=dict)

    def json(self, target: GraphQLObjectType, details: Details) -> Json:
        """The connection's object. Rows become texts in one derived table; the object aggregates over it."""
        members = []
        for selected in self.builder.scene.fields(target, details):
            members.append((selected.key, self._member(selected, target)))
        if not any(callable(member) for _, member in members):
            # Nothing of the page itself is asked for; selecting from it would give a text for each of its rows.
            return json_object(members)
        place = func.row_number().over(order_by=sorted_by(self.order, self.row.c, reverse=self.backward))
        texts = (
            select(
                place.label("place"),
                func.count().over().label("fetched"),
                *(text.label(name) for name, text in self.columns.items()),
            )
            .select_from(self.row.table)
            .order_by(*sorted_by(self.order, self.row.c))
            .correlate_except(self.row.table)
            .subquery()
        )
        resolved = [(key, member(texts.c) if callable(member) else member) for key, member in members]
        statement = select(json_object(resolved)).select_from(texts).correlate_except(texts)
        return statement.scalar_subquery()

    def _member(self, selected: SelectedField, target: GraphQLObjectType) -> Any:
        match selected.name:
            case "nodes":
                return self._list(self._node(selected))
            case "edges":
                return self._list(self._edge(selected))
            case "pageInfo":
                return self._page_info(selected)
            case "totalCount":
                return self._total()
            case _:
                return punctuation(f'"{target.name}"')

    def _list(self, text: Json) -> Callable[[Any], Json]:
        name = self._text(text)
        size = limit(self.index, self.builder.bindings, 0)

        def aggregate(texts: Any) -> Json:
            kept = case((texts.place <= size, texts[name]))
            return Concat(punctuation("["), func.coalesce(Joined(kept), punctuation("")), punctuation("]"))

        return aggregate

    def _text(self, text: Json) -> str:
        name = f"t{len(self.columns)}"
        self.columns[name] = text
        return name

    def _node(self, selected: SelectedField) -> Json:
        assert selected.definition is not None
        target = named(selected.definition)
        assert isinstance(target, GraphQLObjectType)
        return self.builder._object(self.row, target, selected.details, self.level)

    def _edge(self, selected: SelectedField) -> Json:
        assert selected.definition is not None
        edge = named(selected.definition)
        assert isinstance(edge, GraphQLObjectType)
        members = []
        for part in self.builder.scene.fields(edge, selected.details):
            if part.name == "cursor":
                members.append((part.key, cursor_text(self.order, self.row.c)))
            elif part.name == "node":
                members.append((part.key, self._node(part)))
            else:
                members.append((part.key, punctuation(f'"{edge.name}"')))
        return json_object(members)

    def _page_info(self, selected: SelectedField) -> Json | Callable[[Any], Json]:
        assert selected.definition is not None
        info = named(selected.definition)
        assert isinstance(info, GraphQLObjectType)
        parts = list(self.builder.scene.fields(info, selected.details))
        bounded = punctuation("true" if self.bounded else "false")
        constants = {
            "__typename": punctuation(f'"{info.name}"'),
            "hasNextPage" if self.backward else "hasPreviousPage": bounded,
        }
        if all(part.name in constants for part in parts):
            return json_object([(part.key, constants[part.name]) for part in parts])
        size = limit(self.index, self.builder.bindings, 0)
        cursor = self._text(cursor_text(self.order, self.row.c))

        def member(part: SelectedField, texts: Any) -> Json:
            more = boolean(func.count() > size)
            near = texts.place == 1
            far = or_(texts.place == size, and_(texts.place == texts.fetched, texts.fetched <= size))
            match part.name:
                case name if name in constants:
                    return constants[name]
                case "startCursor" | "endCursor":
                    at_start = part.name == "startCursor"
                    return or_null(
                        func.max(
                            case((and_(near if at_start != self.backward else far, texts.place <= size), texts[cursor]))
                        )
                    )
                case _:
                    return more

        return lambda texts: json_object([(part.key, member(part, texts)) for part in parts])

    def _total(self) -> Json:
        counted = select(func.count()).select_from(self.found.table).where(*self.found.conditions)
        return Rendered("number", counted.correlate_except(self.found.table).scalar_subquery())
