"""Random valid documents over what the planner answers: every shape that GraphQL allows, kept small.

One document comes with several sets of variables, so that what is cached for it is used again with other shapes.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_leaf_type,
    is_required_argument,
    parse,
    validate,
)
from graphql.utilities import do_types_overlap

from tests.properties.resolving import ELSEWHERE, SCHEMA, moment_text
from tests.properties.rows import EPOCH, EVENT_NAMES, TEXTS, World
from tests.properties.words import CURSOR_CODES, FULL_TEXT, NAMED, ORDER_CODES, SEARCHES, UNPLANNED

SETS = 3
ABSENT = object()
LIKED = 4
"""How much rather a field with arguments is taken than another one."""
WIDEST = 40
"""How many times one selection may be evaluated for a page above it, roughly."""
ALONE = ("customer id", "externalId", "email")
"""The arguments of which exactly one must be given, to find a customer."""


@dataclass(frozen=True)
class Generated:
    """A valid document and the variables with which to ask it."""

    text: str
    document: DocumentNode
    variables: list[dict[str, Any]]
    operation: str | None


@dataclass
class Fragment:
    """A named fragment that was written out: for which type, and how wide it fans out."""

    name: str
    on: GraphQLNamedType
    text: str
    depth: int
    width: int


@dataclass
class Variable:
    """A variable of the document, with a value for each set."""

    name: str
    type: str
    default: str | None
    values: list[Any]

    def declaration(self) -> str:
        return f"${self.name}: {self.type}" + (f" = {self.default}" if self.default is not None else "")


@dataclass
class Writer:
    """Writes one document about one world. ``cursors`` are the places in its lists, by the code of their order."""

    chance: Random
    world: World
    cursors: dict[str, list[str]]
    fragments: list[Fragment] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    left: int = 45
    widest: int = 1

    def write(self) -> Generated | None:
        """A document, or None when what was written is not valid (two fields under one key)."""
        query = SCHEMA.query_type
        assert query is not None
        body = self.selection(query, self.chance.randint(3, 6), 1)
        declarations = ", ".join(variable.declaration() for variable in self.variables)
        name = "Main" if declarations or self.likely(0.3) else ""
        text = f"query {name}{f'({declarations})' if declarations else ''} {body}"
        operation = None
        if name and self.likely(0.15):
            text, operation = f"query Other {{ tenant {{ id }} }} {text}", name
        text = " ".join([text, *(fragment.text for fragment in self.fragments)])
        document = parse(text)
        if validate(SCHEMA, document):
            return None
        given = [
            {
                variable.name: variable.values[place]
                for variable in self.variables
                if variable.values[place] is not ABSENT
            }
            for place in range(SETS)
        ]
        return Generated(text, document, given, operation)

    def likely(self, share: float) -> bool:
        return self.chance.random() < share

    # ---- selections ---------------------------------------------------------------------------------------------

    def selection(self, parent: Any, depth: int, width: int) -> str:
        items = [self._item(parent, depth, width) for _ in range(self.chance.randint(1, 4))]
        return "{ " + " ".join(items) + " }"

    def _item(self, parent: Any, depth: int, width: int) -> str:
        self.left -= 1
        self.widest = max(self.widest, width)
        roll = self.chance.random()
        if self.left <= 0:
            return self._field(parent, 0, width) if roll < 0.5 and _is_object(parent) else "__typename"
        if roll < 0.07 or (isinstance(parent, GraphQLUnionType) and roll < 0.2):
            return self.chance.choice(["__typename", "kind_of: __typename"])
        if roll < 0.2 or isinstance(parent, GraphQLUnionType) or (roll < 0.6 and not _is_object(parent)):
            condition = parent if self.likely(0.3) else self.chance.choice(_conditions(parent))
            on = f"on {condition.name} " if condition is not parent or self.likely(0.5) else ""
            return f"... {on}{self._directives()}{self.selection(condition, depth, width)}"
        if roll < 0.3:
            return self._spread(parent, depth, width)
        return self._field(parent, depth, width)

    def _spread(self, parent: Any, depth: int, width: int) -> str:
        conditions = _conditions(parent)
        known = [f for f in self.fragments if f.on in conditions and f.depth <= depth and f.width * width <= WIDEST]
        if known and self.likely(0.6):
            fragment = self.chance.choice(known)
            self.widest = max(self.widest, width * fragment.width)
        else:
            on, outside = self.chance.choice(conditions), self.widest
            self.widest = 1
            body = self.selection(on, depth, max(1, width))
            fragment = Fragment(f"F{len(self.fragments)}{on.name}", on, "", depth, max(1, self.widest // max(1, width)))
            fragment.text = f"fragment {fragment.name} on {on.name} {body}"
            while any(other.name == fragment.name for other in self.fragments):
                fragment.text = fragment.text.replace(fragment.name, f"G{fragment.name}", 1)
                fragment.name = f"G{fragment.name}"
            self.fragments.append(fragment)
            self.widest = max(self.widest, outside)
        return f"...{fragment.name} {self._directives()}"

    def _field(self, parent: Any, depth: int, width: int) -> str:
        leaves_only = depth <= 0 or self.left <= 0
        planned = {
            name: f
            for name, f in parent.fields.items()
            if name not in UNPLANNED and get_named_type(f.type).name not in ELSEWHERE
        }
        choices = {n: f for n, f in planned.items() if not leaves_only or is_leaf_type(get_named_type(f.type))}
        if not choices:
            return "__typename"
        names = sorted(choices)
        name = self.chance.choices(names, [LIKED if choices[name].args else 1 for name in names])[0]
        definition = choices[name]
        if width > WIDEST and not is_leaf_type(get_named_type(definition.type)):
            return "__typename"
        arguments = self._arguments(parent, name, definition)
        alias = ""
        if arguments and self.likely(0.8):
            alias = f"{name}_{len(self.variables)}_{self.left % 100}: ".replace("-", "m")
        elif not arguments and self.likely(0.2):
            alias = f"{name}_{self.chance.choice('ab')}: "
        below = ""
        if not is_leaf_type(get_named_type(definition.type)):
            below = self.selection(get_named_type(definition.type), depth - 1, width * _fan_out(definition))
        return f"{alias}{name}{arguments} {self._directives()}{below}"

    def _directives(self) -> str:
        if not self.likely(0.08):
            return ""
        word = self.chance.choice(["include", "skip"])
        if self.likely(0.4):
            return f"@{word}(if: {self.chance.choice(['true', 'false'])}) "
        known = [variable for variable in self.variables if variable.type == "Boolean!"]
        if known and self.likely(0.5):
            variable = self.chance.choice(known)
        else:
            variable = self._variable("Boolean!", None, [self.likely(0.5) for _ in range(SETS)])
        return f"@{word}(if: ${variable.name}) "

    # ---- arguments ----------------------------------------------------------------------------------------------

    def _arguments(self, parent: Any, name: str, definition: GraphQLField) -> str:
        names = self._chosen(name, definition.args)
        codes = [CURSOR_CODES.get((parent.name, name), "")] * SETS
        found = []
        for argument in names:
            about = f"{name} id" if name in NAMED and argument == "id" else argument
            values = self._values(about, definition.args[argument], codes)
            if argument == "orderBy":
                default = str(next(iter(_enum_names(definition.args[argument].type))))
                codes = [ORDER_CODES[default if value is ABSENT else value] for value in values]
            text = self._written(definition.args[argument].type, values)
            if text is not None:
                found.append(f"{argument}: {text}")
        return f"({', '.join(found)})" if found else ""

    def _chosen(self, name: str, arguments: dict[str, GraphQLArgument]) -> list[str]:
        """Which arguments to give: the order first, because cursors depend on it, and never first with last."""
        if name == "customer" and arguments:
            return [self.chance.choice(["id", "externalId", "email"])]
        chosen = [name for name, argument in arguments.items() if is_required_argument(argument)]
        chosen += [n for n in arguments if n not in chosen and self.likely(0.35)]
        if "orderBy" in arguments and {"after", "before"} & set(chosen) and "orderBy" not in chosen:
            chosen.append("orderBy")
        if "first" in chosen and "last" in chosen:
            chosen.remove(self.chance.choice(["first", "last"]))
        return sorted(chosen, key=lambda n: n != "orderBy")

    def _values(self, name: str, argument: GraphQLArgument, codes: list[str]) -> list[Any]:
        """A value for each set of variables, ABSENT where the variable is not to be given."""
        one = [self._value(name, argument.type, code) for code in codes]
        if self.likely(0.5) and len(set(codes)) == 1:
            one = [one[0]] * SETS
        elif name in ALONE:
            pass
        elif not isinstance(argument.type, GraphQLNonNull) and self.likely(0.4):
            one[self.chance.randrange(SETS)] = self.chance.choice([None, ABSENT])
        elif not is_required_argument(argument) and self.likely(0.3):
            one[self.chance.randrange(SETS)] = ABSENT
        return one

    def _value(self, name: str, type_: GraphQLInputType, code: str = "") -> Any:
        plain = get_nullable_type(type_)
        if isinstance(plain, GraphQLInputObjectType):
            inner = {n: f for n, f in plain.fields.items() if self.likely(0.3) and (plain.name, n) != FULL_TEXT}
            return {n: self._value(n, f.type) if self.likely(0.9) else None for n, f in inner.items()}
        if isinstance(plain, GraphQLList):
            if name == "ids":
                return [self._id() for _ in range(self.chance.randint(0, 6))]
            return [self._value(name, plain.of_type) for _ in range(self.chance.randint(0, 3))]
        if isinstance(plain, GraphQLEnumType):
            return self.chance.choice(_enum_names(plain))
        return self._scalar(name, plain, code)

    def _scalar(self, name: str, type_: Any, code: str) -> Any:
        identities = self.world.of("identities")
        emails = [row["value"] for row in identities if row["kind"] == "email"] or ["nobody@example.com"]
        makers: dict[str, Callable[[], Any]] = {
            "first": lambda: self.chance.choice([0, 1, 1, 2, 3, 4, 100]),
            "last": lambda: self.chance.choice([0, 1, 1, 2, 3, 4, 100]),
            "after": lambda: self._cursor(code),
            "before": lambda: self._cursor(code),
            "id": self._id,
            **{f"{noun} id": partial(self._id, prefix) for noun, prefix in NAMED.items()},
            **{f"{noun}Id": partial(self._id, prefix) for noun, prefix in NAMED.items()},
            "assigneeId": lambda: self._id("usr"),
            "tag": lambda: self.chance.choice(["vip", "x", "O'Brien"]),
            "subjectId": self._id,
            "search": lambda: self.chance.choice(SEARCHES),
            "actions": lambda: self.chance.choice(["customer.merge", "tenant.update", "x"]),
            "names": lambda: self.chance.choice([*EVENT_NAMES, "x"]),
            "reason": lambda: self.chance.choice(["consent", "x"]),
            "recipient": lambda: self.chance.choice(TEXTS),
            "email": lambda: self.chance.choice([self.chance.choice(emails), self.chance.choice(emails).upper(), "x"]),
            "externalId": lambda: self.chance.choice([row["value"] for row in identities] or ["x"]),
        }
        if name in makers:
            return makers[name]()
        if type_.name == "Boolean":
            return self.likely(0.5)
        assert isinstance(type_, GraphQLScalarType) and type_.name == "DateTime", (name, type_)
        day = EPOCH.replace(day=self.chance.randint(1, 4))
        return self.chance.choice([moment_text(day), day.isoformat(), f"{day:%Y-%m-%dT}14:00:00.000001+02:00"])

    def _id(self, prefix: str = "") -> str:
        known = [*self.world.public_ids(), *self.world.strangers]
        return self.chance.choice([key for key in known if key.startswith(prefix)])

    def _cursor(self, code: str) -> Any:
        known = self.cursors.get(code)
        return self.chance.choice(known) if known else ABSENT

    # ---- writing ------------------------------------------------------------------------------------------------

    def _written(self, type_: GraphQLInputType, values: list[Any]) -> str | None:
        """The values as a literal if they are one, else as a variable. None: the argument is left out."""
        if all(value is ABSENT for value in values):
            return None
        if all(value == values[0] for value in values) and self.likely(0.6):
            return self._literal(type_, values[0])
        return f"${self._variable_for(type_, values).name}"

    def _variable_for(self, type_: GraphQLInputType, values: list[Any]) -> Variable:
        full = all(value is not ABSENT and value is not None for value in values)
        text, default = str(type_), None
        if full and not text.endswith("!") and self.likely(0.3):
            text += "!"
        elif ABSENT in values or self.likely(0.2):
            text = text.removesuffix("!")
            known = [value for value in values if value is not ABSENT and value is not None]
            if known and self.likely(0.5) and not _is_bound_to_order(type_, known):
                default = self._literal(type_, self.chance.choice(known), plain=True)
        return self._variable(text, default, values)

    def _variable(self, type_: str, default: str | None, values: list[Any]) -> Variable:
        variable = Variable(f"v{len(self.variables)}", type_, default, values)
        self.variables.append(variable)
        return variable

    def _literal(self, type_: GraphQLInputType, value: Any, *, plain: bool = False) -> str:
        """A value in GraphQL's own words; parts of it may become variables unless it is to be ``plain``."""
        if value is None:
            return "null"
        named = get_nullable_type(type_)
        if isinstance(named, GraphQLList):
            if len(value) == 1 and self.likely(0.3):
                return self._literal(named.of_type, value[0], plain=plain)
            return "[" + ", ".join(self._part(named.of_type, item, plain) for item in value) + "]"
        if isinstance(named, GraphQLInputObjectType):
            parts = (f"{name}: {self._part(named.fields[name].type, item, plain)}" for name, item in value.items())
            return "{" + ", ".join(parts) + "}"
        if isinstance(named, GraphQLEnumType):
            return str(value)
        return json.dumps(value, ensure_ascii=self.likely(0.3))

    def _part(self, type_: GraphQLInputType, value: Any, plain: bool) -> str:
        if plain or isinstance(get_nullable_type(type_), GraphQLList) or not self.likely(0.2):
            return self._literal(type_, value, plain=plain)
        values = [value] * SETS
        if not isinstance(type_, GraphQLNonNull) and self.likely(0.5):
            values[self.chance.randrange(SETS)] = self.chance.choice([None, ABSENT])
        return f"${self._variable(str(type_), None, values).name}"


_KNOWN_CONDITIONS: dict[str, list[Any]] = {}


def _conditions(parent: Any) -> list[Any]:
    """The types on which a fragment can stand below ``parent``; concrete ones more often."""
    found = _KNOWN_CONDITIONS.get(parent.name)
    if found is None:
        composite: list[Any] = [
            t for name, t in SCHEMA.type_map.items() if is_composite_type(t) and name not in ELSEWHERE
        ]
        found = [t for t in composite if do_types_overlap(SCHEMA, t, parent)]
        _KNOWN_CONDITIONS[parent.name] = found
    return found


def _is_object(type_: Any) -> bool:
    return isinstance(type_, GraphQLObjectType)


def _enum_names(type_: Any) -> list[str]:
    return list(get_nullable_type(type_).values)


def _is_bound_to_order(type_: GraphQLInputType, values: list[Any]) -> bool:
    """Whether values are an order or cursors of one: each set has its own, and none may serve for another."""
    return isinstance(get_nullable_type(type_), GraphQLEnumType) or "~" in str(values[0])


def _fan_out(definition: GraphQLField) -> int:
    """How many values are expected where one field is asked for."""
    name = get_named_type(definition.type).name
    if name.endswith("Connection"):
        return 5
    return 2 if isinstance(get_nullable_type(definition.type), GraphQLList) and not name.endswith("Edge") else 1
