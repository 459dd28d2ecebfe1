"""Bad rules are refused at the right place and never become SQL; good ones always do."""

from random import Random
from typing import Any

import pytest
from sqlalchemy.dialects import postgresql, sqlite

from app.core.errors import Invalid
from app.core.ids import new_id
from app.segments import compile_rule, members_of, parse_rule, read_rule, to_json
from tests.segments.writing_rules import RuleWriter

RULES = 1000
GARBAGE: tuple[Any, ...] = (
    None, True, -1, 0, 2**70, 1e308, float("inf"), float("nan"), "", "\x00", "\ud800", "x" * 2000, "2026-13-01", [],
    [[]], [None], [1, "1"], {}, {"and": []}, {"not": {}}, {"equals": None}, {"days": -5}, {"name": "a", "is": {}},
    {"exists": 1, "empty": 1}, "'; DROP TABLE customers; --",
)  # fmt: skip

Place = tuple[str | int, ...]


def places(document: Any, at: Place = ()) -> list[Place]:
    """Every place in a document."""
    found = [at]
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in items:
        found += places(value, (*at, key))
    return found


def replaced(document: Any, at: Place, value: Any) -> Any:
    """The document with another value at a place."""
    if not at:
        return value
    first, rest = at[0], at[1:]
    if isinstance(document, dict):
        return {**document, first: replaced(document[first], rest, value)}
    return [replaced(inner, rest, value) if place == first else inner for place, inner in enumerate(document)]


def written(at: Place) -> str:
    return ".".join(["rule", *map(str, at)])


def refusal(document: Any) -> list[str]:
    with pytest.raises(Invalid) as refused:
        parse_rule(document)
    return [issue.path for issue in refused.value.issues]


def test_a_value_that_is_missing_is_named_by_its_path() -> None:
    chance = Random(1)
    writer = RuleWriter(chance, [new_id()])
    for _ in range(RULES):
        rule = writer.rule(4)
        at = chance.choice(places(rule))
        assert refusal(replaced(rule, at, None)) == [written(at)], (rule, at)


def test_an_unknown_word_is_named_by_its_path() -> None:
    chance = Random(2)
    writer = RuleWriter(chance, [new_id()])
    for _ in range(RULES):
        rule = writer.rule(4)
        at = chance.choice([at for at in places(rule) if at and isinstance(at[-1], str)])
        holder: Any = rule
        for key in at[:-1]:
            holder = holder[key]
        misspelt = {(f"{key}s" if key == at[-1] else key): value for key, value in holder.items()}
        assert refusal(replaced(rule, at[:-1], misspelt)) == [f"{written(at)}s"], (rule, at)


def test_garbage_is_refused_below_the_rule_or_is_a_rule() -> None:
    """Whatever is not refused compiles on both databases and is stored as it was meant."""
    chance = Random(3)
    writer = RuleWriter(chance, [new_id()])
    refused = 0
    for _ in range(RULES):
        rule = writer.rule(3)
        for _ in range(chance.randint(1, 3)):
            rule = replaced(rule, chance.choice(places(rule)), chance.choice(GARBAGE))
        try:
            accepted = read_rule(rule)
        except Invalid as invalid:
            assert all(issue.path == "rule" or issue.path.startswith("rule.") for issue in invalid.issues)
            refused += 1
            continue
        assert to_json(parse_rule(to_json(accepted))) == to_json(accepted)
        str(members_of(compile_rule(accepted, "sqlite", whole=True)).compile(dialect=sqlite.dialect()))
        str(members_of(compile_rule(accepted, "postgresql", whole=False)).compile(dialect=postgresql.dialect()))
    assert 0.8 * RULES < refused < RULES
