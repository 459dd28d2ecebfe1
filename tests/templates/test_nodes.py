"""Our quick nodes mean what python-liquid's mean: whatever a template says, both make the same text of it."""

from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from liquid import Environment
from liquid.exceptions import LiquidError

from app.core.errors import Invalid
from app.templates.filters import METER, OWN, bounded
from app.templates.language import HTML, TEXT, Text
from app.templates.pieces import cut

CONTEXT: dict[str, Any] = {
    "customer": {
        "name": "Ada & <b>",
        "n": 3,
        "f": 1.5,
        "yes": True,
        "no": False,
        "nil": None,
        "empty": "",
        "pets": ["Rex", "Tom", "<i>", "Rex"],
        "orders": [{"id": 1, "items": ["a", "b"]}, {"id": 2, "items": []}, {"id": 3}],
        "deep": {"a": {"b": ["x", {"c": "d"}]}},
    },
    "event": {"name": "bought", "size": 7, "first": "f"},
    "trigger": {},
}
ROOTS = ["customer", "event", "trigger", "x", "pet", "order", "forloop", "none"]
KEYS = ["name", "n", "f", "yes", "no", "nil", "empty", "pets", "orders", "deep", "a", "b", "id", "items"]
KEYS += ["size", "first", "last", "index", "length", "parentloop", "[0]", "[-1]", "['name']", "[x]", "[customer.n]"]
WORDS = st.sampled_from(["", " ", "\n", "a", "<p>", "  b", "&amp;"])
SIMPLE = ["upcase", "size", "first", "last", "json", "escape", "strip", "reverse", "join", "compact", "uniq", "safe"]
ARGUED = ["default: 'none'", "append: x", "plus: 1", "times: customer.n", "split: 'e'", "slice: 0, 2", "map: 'id'"]
ARGUED += [
    "where: 'id', 2",
    "default: 'd', allow_false: true",
    "date: '%Y'",
    "replace: 'e', '<'",
    "concat: customer.pets",
]


@st.composite
def paths(draw: st.DrawFn) -> str:
    """A name and where it leads."""
    keys = draw(st.lists(st.sampled_from(KEYS), max_size=3))
    return draw(st.sampled_from(ROOTS)) + "".join(key if key.startswith("[") else f".{key}" for key in keys)


LITERALS = st.sampled_from(["1", "2.5", "'e'", '"<u>"', "true", "false", "nil", "empty", "blank", "(1..3)", "(x..5)"])
VALUES = paths() | paths() | LITERALS
OPERATORS = st.sampled_from(["==", "!=", "<", ">", "<=", ">=", "contains"])
COMPARED = st.builds("{} {} {}".format, VALUES, OPERATORS, VALUES)
CONDITIONS = st.one_of(
    VALUES, COMPARED, st.builds("{} {} {}".format, COMPARED, st.sampled_from(["and", "or"]), COMPARED)
)
FILTERED = st.builds(
    lambda value, filters: " | ".join([value, *filters]), VALUES, st.lists(st.sampled_from(SIMPLE + ARGUED), max_size=2)
)
NAMES = st.sampled_from(["x", "pet", "order", "customer"])
LEAVES = st.one_of(
    WORDS,
    WORDS,
    st.builds("{{{{ {} }}}}".format, FILTERED),
    st.builds("{{{{- {} -}}}}".format, FILTERED),
    st.builds("{{% assign {} = {} %}}".format, NAMES, FILTERED),
    st.builds("{{% echo {} %}}".format, FILTERED),
    st.builds("{{% increment {} %}}".format, NAMES),
    st.sampled_from(["{% break %}", "{% continue %}", "{% cycle 'a', 'b' %}", "{% comment %}x{% endcomment %}"]),
    st.builds("{{% liquid\nassign x = {}\necho x\n%}}".format, VALUES),
)


def blocks(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Tags around others."""
    body = st.lists(inner, max_size=3).map("".join)
    limits = st.sampled_from(["", " limit:2", " offset:1", " reversed", " limit:1 offset:x", " offset:continue"])
    return st.one_of(
        st.builds("{{% if {} %}}{}{{% else %}}{}{{% endif %}}".format, CONDITIONS, body, body),
        st.builds(
            "{{% if {} %}}{}{{% elsif {} %}}{}{{% else %}}{}{{% endif %}}".format, CONDITIONS, body, VALUES, body, body
        ),
        st.builds("{{% unless {} %}}{}{{% else %}}{}{{% endunless %}}".format, CONDITIONS, body, body),
        st.builds("{{% for {} in {}{} %}}{}{{% else %}}{}{{% endfor %}}".format, NAMES, VALUES, limits, body, body),
        st.builds("{{% for {} in {} %}}{}{{% endfor %}}".format, NAMES, VALUES, body),
        st.builds("{{% capture {} %}}{}{{% endcapture %}}".format, NAMES, body),
        st.builds("{{% case {} %}}{{% when {} %}}{}{{% else %}}{}{{% endcase %}}".format, VALUES, VALUES, body, body),
        st.builds("{{% tablerow {} in {} cols:2 %}}{}{{% endtablerow %}}".format, NAMES, VALUES, body),
        st.builds("{{% ifchanged %}}{}{{% endifchanged %}}".format, body),
    )


TEMPLATES = st.lists(st.recursive(LEAVES, blocks, max_leaves=12), min_size=1, max_size=4).map("".join)


@cache
def stock(*, autoescape: bool) -> Environment:
    """python-liquid with our filters and its own nodes."""
    env = Environment(autoescape=autoescape)
    env.filters.update(OWN)
    env.filters = {name: bounded(name, filter_) for name, filter_ in env.filters.items()}
    return env


def reference(text: str, *, autoescape: bool) -> str | None:
    """What python-liquid makes of it; None where it fails."""
    METER.start()
    try:
        return stock(autoescape=autoescape).from_string(text).render(**CONTEXT)
    except (LiquidError, TypeError, ValueError, AttributeError):
        return None


@settings(max_examples=120, deadline=None)
@given(TEMPLATES)
def test_a_template_says_what_python_liquid_makes_of_it(text: str) -> None:
    for kind in (TEXT, HTML):
        try:
            made = Text(cut(text, "body"), kind, "body").render(CONTEXT)
        except Invalid:
            made = None
        assert made == reference(text, autoescape=kind == HTML)
