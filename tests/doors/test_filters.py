"""Customer.io's audience filters and Parcelvoy's list rules: what they find, there and back, and their refusals."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rest.customerio.filters import as_text, numbers_in, read_filter, values_of, write_filter
from app.rest.parcelvoy.paths import read_path, write_path
from app.rest.parcelvoy.rules import read_list_rule
from app.rest.parcelvoy.writing import write_list_rule
from app.segments import parse_rule, to_json
from tests.doors.ruling import NUMBERS, OURS, PROFILE, having, people, refused, rules
from tests.segments.people import NOW
from tests.segments.reference import holds

# ---- Customer.io ----------------------------------------------------------------------------------------------------

TEXTS = st.sampled_from(["pro", "5", "5.0", "0.5", "1e3", "true", "false", "null", "", " 5", "1" * 30, "NaN", "-0"])
LEAVES = st.one_of(
    st.sampled_from(sorted(NUMBERS)).map(lambda number: {"segment": {"id": number}}),
    st.builds(
        lambda field, text: {"attribute": {"field": field, "operator": "eq", "value": text}},
        st.sampled_from(["plan", "id", "timezone", "locale", "language", "odd name"]),
        TEXTS.filter(bool),
    ),
    st.builds(
        lambda field: {"attribute": {"field": field, "operator": "exists"}},
        st.sampled_from(["plan", "email", "phone", "unsubscribed"]),
    ),
    st.booleans().map(lambda v: {"attribute": {"field": "unsubscribed", "operator": "eq", "value": v}}),
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda filters: {"and": filters}),
        st.lists(inner, min_size=1, max_size=3).map(lambda filters: {"or": filters}),
        inner.map(lambda one: {"not": one}),
    ),
    max_leaves=8,
)


@PROFILE
@given(FILTERS)
def test_customerio_filters_come_back(said: dict[str, Any]) -> None:
    rule, _ = read_filter(said, NUMBERS)
    stored = to_json(parse_rule(rule))
    written = write_filter(stored, OURS)
    assert written is not None
    assert read_filter(written, NUMBERS)[0] == stored
    assert numbers_in(said) == numbers_in(written)


@PROFILE
@given(rules())
def test_what_customerio_can_say_it_says_exactly(rule: dict[str, Any]) -> None:
    written = write_filter(rule, OURS)
    if written is not None:
        assert read_filter(written, NUMBERS)[0] == rule


@pytest.mark.parametrize(
    ("value", "found", "passed_over"),
    [
        ("5", ["5", 5, 5.0], [True, "5.0", 50]),
        (5, ["5", 5, 5.0], [True]),
        (5.0, ["5", 5], ["5.0"]),
        ("5.0", ["5.0"], [5, 5.0, "5"]),
        (0.5, [0.5, "0.5"], [".5"]),
        (True, [True, "true"], [1, "True"]),
        ("false", [False, "false"], [0, ""]),
        ("pro", ["pro"], ["Pro"]),
        ("01", ["01"], [1, "1"]),
    ],
)
def test_customerio_compares_as_texts(value: Any, found: list[Any], passed_over: list[Any]) -> None:
    document, _ = read_filter({"attribute": {"field": "a", "operator": "eq", "value": value}}, {})
    rule = parse_rule(document)
    assert [holds(rule, having(a), NOW) for a in found] == [True] * len(found)
    assert [holds(rule, having(a), NOW) for a in passed_over] == [False] * len(passed_over)


@PROFILE
@given(st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), st.booleans()))
def test_a_value_is_among_those_that_show_like_it(value: Any) -> None:
    text = as_text(value)
    assert text is not None
    others = [other for other in values_of(text) if not isinstance(other, str)]
    assert others == ([value] if not isinstance(value, float) or abs(value) <= 2**63 - 1 else others)


@pytest.mark.parametrize(
    ("said", "paths"),
    [
        (5, ["filter"]),
        ({}, ["filter"]),
        ({"and": [], "or": []}, ["filter"]),
        ({"and": []}, ["filter.and"]),
        ({"xor": []}, ["filter.xor"]),
        ({"not": [{"segment": {"id": 1}}]}, ["filter.not"]),
        (
            {"or": [{"segment": {"id": 9}}, {"segment": {"id": "1"}}, {"segment": {}}]},
            ["filter.or.0.segment.id", "filter.or.1.segment.id", "filter.or.2.segment.id"],
        ),
        ({"attribute": {"field": "a", "operator": "gt", "value": 1}}, ["filter.attribute.operator"]),
        ({"attribute": {"field": "a", "operator": "eq"}}, ["filter.attribute.value"]),
        ({"attribute": {"field": "cio_id", "operator": "eq", "value": "x"}}, ["filter.attribute.field"]),
        (
            {"not": {"attribute": {"field": "email", "operator": "eq", "value": "nobody"}}},
            ["filter.not.attribute.value"],
        ),
        ({"attribute": {"field": "unsubscribed", "operator": "eq", "value": 1}}, ["filter.attribute.value"]),
    ],
)
def test_customerio_tells_the_place(said: Any, paths: list[str]) -> None:
    assert refused(lambda: read_filter(said, NUMBERS)) == paths


# ---- Parcelvoy ------------------------------------------------------------------------------------------------------


@PROFILE
@given(rules(), st.integers(0, 2**16))
def test_what_parcelvoy_can_say_means_the_same(rule: dict[str, Any], seed: int) -> None:
    written = write_list_rule(rule)
    if written is None:
        return
    assert written["type"] == "wrapper"
    same = parse_rule(read_list_rule(written)[0])
    for person in people(seed):
        assert holds(same, person, NOW) == holds(parse_rule(rule), person, NOW), (written, person)


def leaf(kind: str, operator: str, value: Any = None, path: str = "$.a") -> dict[str, Any]:
    return {"uuid": "u", "type": kind, "group": "user", "path": path, "operator": operator, "value": value}


def wrapper(operator: str, *children: Any, **more: Any) -> dict[str, Any]:
    plain = {"uuid": "w", "type": "wrapper", "group": "user", "path": "$", "operator": operator}
    return plain | {"children": list(children)} | more


@pytest.mark.parametrize(
    ("said", "found", "passed_over"),
    [
        (leaf("string", "=", "pro"), ["pro"], ["Pro", 1, None]),
        (leaf("string", "!=", "pro"), ["Pro", 1, None], ["pro"]),
        (leaf("string", "starts with", "p"), ["pro"], ["Pro", None]),
        (leaf("string", "not start with", "p"), ["Pro", None], ["pro"]),
        (leaf("string", "ends with", "o"), ["pro"], ["on"]),
        (leaf("string", "contains", "r"), ["pro"], ["on"]),
        (leaf("string", "not contain", "r"), ["on", None], ["pro"]),
        (leaf("string", "empty"), ["", None], ["x", 0]),
        (leaf("array", "empty"), [[], None], [[1]]),
        (leaf("string", "is set"), ["", 0], [None]),
        (leaf("number", "is not set"), [None], [0]),
        (leaf("number", "=", "5"), [5, 5.0], ["5", None]),
        (leaf("number", "!=", 5), [6, "5", None], [5]),
        (leaf("number", "<", 5), [4.5], [5]),
        (leaf("number", "<=", "5.5"), [5.5], [5.6]),
        (leaf("number", ">", 5), [5.1], [5]),
        (leaf("number", ">=", 5), [5], [4]),
        (leaf("boolean", "=", True), [True, "x", 1, [0]], [False, 0, "", None]),
        (leaf("boolean", "=", False), [False, 0, ""], [True, None]),
        (leaf("boolean", "!=", True), [False, None], [True]),
        (leaf("date", "<", "2026-03-01"), ["2026-02-28T23:59:59.999999Z"], ["2026-03-01", None]),
        (leaf("date", "<=", "2026-03-01"), ["2026-03-01"], ["2026-03-01T00:00:00.000001Z"]),
        (leaf("date", ">", "2026-03-01"), ["2026-03-01T00:00:00.000001Z"], ["2026-03-01", "x"]),
        (leaf("date", ">=", "2026-03-01T10:00:00+01:00"), ["2026-03-01T09:00:00Z"], ["2026-03-01T08:59:59Z"]),
        (leaf("date", "=", "2026-03-01"), ["2026-03-01T00:00:00Z"], ["2026-03-01T00:00:00.000001Z"]),
        (wrapper("none", leaf("number", "=", 1), leaf("number", "=", 2)), [3, None], [1, 2]),
        (wrapper("xor", leaf("number", ">", 1), leaf("number", ">", 2)), [2], [1, 3]),
        (wrapper("xor", leaf("number", ">", 1)), [2], [1]),
    ],
)
def test_parcelvoys_operators(said: Any, found: list[Any], passed_over: list[Any]) -> None:
    rule = parse_rule(read_list_rule(said)[0])
    assert [holds(rule, having(a), NOW) for a in found] == [True] * len(found)
    assert [holds(rule, having(a), NOW) for a in passed_over] == [False] * len(passed_over)


def test_parcelvoys_events() -> None:
    amount = leaf("number", ">", 50, "$.amount") | {"group": "event"}
    event = wrapper("or", amount, group="event", path="$.name", value="purchase")
    did = {"event": {"name": "purchase", "where": [{"or": [{"property": {"name": "amount", "is": {"moreThan": 50}}}]}]}}
    assert read_list_rule(wrapper("and", event))[0] == {"and": [did]}
    assert read_list_rule(wrapper("and", group="event", path="$.name", value="x"))[0] == {"event": {"name": "x"}}
    assert write_list_rule({"event": {"name": "x", "count": {"atLeast": 2}}}) is None
    assert write_list_rule({"consent": {"channel": "sms", "is": "unknown"}}) is None
    assert write_list_rule(None) is None


@pytest.mark.parametrize(
    ("said", "paths"),
    [
        ([], ["rule"]),
        ({"type": "text"}, ["rule.type"]),
        (wrapper("nor", leaf("string", "empty")), ["rule.operator"]),
        (wrapper("and"), ["rule.children"]),
        (wrapper("xor", *[leaf("string", "empty")] * 15), ["rule.children"]),
        (leaf("string", ">", "x"), ["rule.operator"]),
        (leaf("string", "=", 5), ["rule.value"]),
        (leaf("string", "=", "{{ user.plan }}"), ["rule.value"]),
        (leaf("date", "<", "tomorrow"), ["rule.value"]),
        (leaf("string", "empty", path="$..a"), ["rule.path"]),
        (leaf("number", "=", 1, "$.email"), ["rule.type"]),
        (leaf("string", "empty", path="$.id"), ["rule.path"]),
        (wrapper("and", leaf("string", "=", "x") | {"group": "event"}), ["rule.children.0.group"]),
        (
            wrapper("none", leaf("number", "=", "x"), wrapper("or", leaf("string", "=", "a", "$.email"))),
            ["rule.children.0.value"],
        ),
        (wrapper("none", leaf("string", "=", "a"), leaf("string", "=", "b", "$.email")), ["rule.children.1"]),
        (wrapper("and", wrapper("and", group="event", path="$.name")), ["rule.children.0.value"]),
    ],
)
def test_parcelvoy_tells_the_place(said: Any, paths: list[str]) -> None:
    assert refused(lambda: read_list_rule(said)) == paths


@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=5).map(tuple))
@PROFILE
def test_parcelvoys_paths_come_back(names: tuple[str, ...]) -> None:
    written = write_path(names)
    assert written is not None
    assert read_path(written, "path") == names
