"""What would keep a processor busy for minutes, and what looks like Liquid but is none."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest

from app.core.clock import now
from app.core.errors import Invalid
from app.core.link_tokens import LinkTokens
from app.templates import Person, Recipe, Source, TemplateFailed, compile_content, context_of
from app.templates.rendering import Kitchen, Order
from tests.templates.letters import FOLLOWED, compiled, rendered, said

LOOPS = "{% for i in (1..1000) %}{% for j in (1..20) %}{{ i }}{% endfor %}{% endfor %}"


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fails when the block keeps the processor longer."""
    begun = time.process_time()
    yield
    assert time.process_time() - begun < seconds


def ann(**attributes: Any) -> dict[str, Any]:
    """What templates can name of somebody."""
    return context_of(Person(UUID(int=1), attributes))


def test_long_runs_of_blanks_make_a_plain_text_soon() -> None:
    template = compiled("<p>a{{ customer.gap }}b</p>")
    with within(1):
        message = template.render(ann(gap=" " * 90_000))
    assert message.plain == f"a{' ' * 90_000}b"
    assert rendered("<p>a</p>{% if customer.x %}<p>x</p>{% endif %}   <p>b</p>").plain == "a\n\nb"


def test_a_message_of_thousands_of_parts_has_two_seconds_in_all() -> None:
    template = compiled("x", channel="push", fields={"data": {str(place): LOOPS for place in range(1_000)}})
    with within(5), pytest.raises(TemplateFailed, match="takes too long for one message"):
        template.render(ann())
    assert said("{{ customer.points }}") == "3"


def test_fields_have_as_many_marks_as_a_body() -> None:
    many = {str(place): "{{ customer.points }}" for place in range(5_001)}
    with pytest.raises(Invalid, match="fields: have more than 5000 marks of Liquid"):
        compiled("x", channel="push", fields={"data": many})
    del many["0"]
    assert len(rendered("x", channel="push", fields={"data": many}).fields["data"]) == 5_000


def test_a_message_has_five_million_characters_in_all() -> None:
    template = compiled("x", channel="push", fields={"data": {str(place): "{{ customer.big }}" for place in range(60)}})
    with within(1), pytest.raises(TemplateFailed, match=r"fields\.data\.50: makes the message longer than 5000000"):
        template.render(ann(big="b" * 100_000))
    assert len(template.render(ann(big="b" * 80_000)).fields["data"]) == 60


def test_time_that_passed_elsewhere_is_nobodys_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    template = compiled(LOOPS, channel="sms")
    offset = [0.0]
    clock = time.perf_counter

    def standing_still() -> float:
        offset[0] += 0.01  # each look at the clock comes ten milliseconds late
        return clock() + offset[0]

    monkeypatch.setattr("app.templates.filters.time.perf_counter", standing_still)
    assert template.render(ann()).body.startswith("1111")


def test_styles_that_would_fill_the_memory_stay_where_they_are() -> None:
    rules = "".join(f"*{{p{place}:b}}" for place in range(5_000))
    with within(3):
        template = compiled(f"<style>{rules}</style>" + "<b>x</b>" * 5_000)
    assert [warned.code for warned in template.warnings] == ["css_stays"]
    usual = "".join(f".c{place} td{{color:red;padding:{place}px}}" for place in range(300))
    with within(3):
        template = compiled(f"<style>{usual}</style>" + "<table class=c7><tr><td>x</td></tr></table>" * 700)
    assert template.warnings == []


@pytest.mark.parametrize("tags", ["<div>", "<table><td>", "<b>", "<div><marquee></div></marquee>", "<ul><li>"])
def test_elements_that_are_too_deep_for_the_stack_are_left_alone(tags: str) -> None:
    """They would end the whole process."""
    template = compiled("<style>b{color:red}</style>" + tags * 15_000)
    assert [warned.code for warned in template.warnings] == ["css_stays"]


@pytest.mark.parametrize(
    "tags", ["<p>x", "<li>x", "<b>x</b>", "<br>", "<img src=x>", "<table><tr><td>x<td>y<tr><td>z</table>"]
)
def test_elements_beside_each_other_are_not_deep(tags: str) -> None:
    template = compiled("<style>b{color:red}</style><ul>" + tags * 1_000 + "</ul>")
    assert template.warnings == []


def test_snippets_that_multiply_each_other_are_refused_soon() -> None:
    chain = {f"s{level}": f"{{{{ snippets.s{level + 1} }}}}" * 600 for level in range(9)} | {"s9": " "}
    with within(1), pytest.raises(Invalid, match="more than 5000 marks"):
        compiled("{{ snippets.s0 }}", snippets=chain)


@pytest.mark.parametrize("sign", ["(", "['a", "[", "(a["])
def test_brackets_that_never_end_are_refused_soon(sign: str) -> None:
    mark = "{{ " + sign * (19_000 // len(sign)) + " }}"
    with within(1), pytest.raises(Invalid):
        compiled(mark * 25)


def test_a_text_that_looks_like_our_own_marks_is_text() -> None:
    body = "<style>p{color:red}</style><!--rpStyle9--><p>rpLq7qLpr <!--rpLq8qLpr--> {{ customer.points }}</p>"
    template = compiled(body)
    assert "rpLq7qLpr" in template.render(ann(points=3)).body
    assert "<!--rpStyle9-->" in template.render(ann(points=3)).body


@pytest.mark.parametrize("head", ["", "<style>p{color:red}</style>"])
def test_braces_that_html_spells_out_begin_no_mark(head: str) -> None:
    message = rendered(head + "<p>&#123;&#123; customer.email }} &#123;{{ customer.points }} &#123;% if %}</p>")
    assert message.plain == "{{ customer.email }} {3 {% if %}"
    assert "ada@example.com" not in message.body


def test_no_template_takes_the_messages_of_others_with_it() -> None:
    kitchen = Kitchen("secret")
    recipe = Recipe(Source("email", "Hi {{ customer.name }}", fields={"x": "{{ 1"}))
    assert "never closed" in kitchen.compile("broken", recipe).problem
    wrong: Any = Recipe(Source("email", "Hi", headers=(("X", None),)))  # type: ignore[arg-type]
    assert kitchen.compile("wrong", wrong).problem == "The template cannot be rendered (TypeError)."
    kitchen.compile("good", Recipe(Source("sms", "Hi {{ customer.name }}")))
    person = (None, None, None, None, None, None)
    order = Order("good", UUID(int=1), UUID(int=2), UUID(int=3), '{"name":"Ada"}', person, None, None, "", None, False)
    answers = kitchen.render([order._replace(attributes="{"), order])
    assert [(one.problem, one.message and one.message[0]) for one in answers] == [
        ("The template cannot be rendered (JSONDecodeError).", None),
        ("", "Hi Ada"),
    ]


def test_nobodys_name_becomes_the_sender() -> None:
    template = compiled("x", from_address="{{ customer.name }} <news@acme.example>")
    assert template.render(ann(name="Ada, Boss")).from_address  # what is one address stays one
    for name in ("Boss <ceo@bank.example> (", "ceo@bank.example (", "<ceo@bank.example>,"):
        with pytest.raises(TemplateFailed, match="is not one address"):
            template.render(ann(name=name))
    own = compiled("x", from_address="{{ customer.seller }}")
    assert own.render(ann(seller="Bo <bo@shop.example>")).from_address == "Bo <bo@shop.example>"


def test_dates_that_no_timezone_has_and_times_without_a_date() -> None:
    never = "{{ '0001-01-01T00:00:00Z' | timezone: 'America/New_York' | date: '%d.%m.' }}"
    assert said(never) == "01.01."
    assert said("{{ '10:30' | date: '%Y-%m-%d %H:%M' }}") == f"{now():%Y-%m-%d} 10:30"
    assert said("{{ '9999-12-31T23:59:59Z' | timezone: 'Asia/Tokyo' | date: '%H:%M' }}") == "23:59"


@pytest.mark.parametrize(
    ("value", "made"),
    [("0", "01.01.1970"), ("86400", "02.01.1970"), ("-1", "31.12.1969"), ("1e300", "1e+300"), ("99.5", "01.01.1970")],
)
def test_a_number_is_a_moment_in_seconds(value: str, made: str) -> None:
    attributes = {"at": float(value) if "e" in value or "." in value else int(value)}
    template = compiled("{{ customer.at | date: '%d.%m.%Y' }}", channel="sms")
    assert template.render(ann(**attributes)).body == made


def test_what_no_database_keeps_is_left_out() -> None:
    assert said("{{ 'a%00b' | url_decode }}") == "ab"


def test_a_link_that_is_too_long_to_be_followed_leads_where_it_says() -> None:
    body = '<a href="https://x.example/?q={{ customer.q }}">x</a>'
    assert 'href="https://t.example/0"' in compiled(body).render(ann(q="a" * 5_000), FOLLOWED).body
    for q in ("a" * 6_000, "ü" * 3_000):
        assert f'href="https://x.example/?q={q}"' in compiled(body).render(ann(q=q), FOLLOWED).body
    longest = "https://x.example/" + "a" * (5_500 - 18)
    tokens = LinkTokens("s")
    assert tokens.read(tokens.click(UUID(int=1), UUID(int=2), 3, longest)).url == longest


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("\n{{ customer.x | upcse }}", "line 2: unknown filter 'upcse'; did you mean 'upcase'?"),
        ("{% if x %}{% esle %}{% endif %}", "line 1: unknown tag 'esle'; did you mean 'else'?"),
        ("a\n\n{% if x == %}{% endif %}", "line 3: expected a primitive expression, found end of expression"),
        ("{{ a }}\n{% case a %}\n{% when %}{% endcase %}", None),
        ("{{ a }}\n{% if a %}{% elsif a > %}{% endif %}", None),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_what_was_meant(body: str, message: str | None) -> None:
    with pytest.raises(Invalid) as refused:
        compiled(body)
    assert refused.value.issues[0].message.startswith("line ")
    assert message is None or refused.value.issues[0].message == message


@pytest.mark.parametrize(
    ("href", "line"),
    [
        ('"https://x.example/{% if customer.n %}1">A</a>{% else %}\n2">B</a>{% endif %}', 2),
        ("'{{ customer.url }}{% for i in (1..2) %}'>A</a>\n{% endfor %}", 2),
        ("'{% if customer.n %}{{ customer.url }}'>A</a>{% endif %}", 2),
    ],
)
def test_a_block_that_begins_in_an_address_ends_in_it(href: str, line: int) -> None:
    with pytest.raises(Invalid, match=rf"^body: line {line}: {{% .* %}} stands half in an address$"):
        compiled(f"<p>x</p>\n<a href={href}")
    whole = '<a href="https://x.example/{% if customer.points == 3 %}three{% else %}{{ customer.x }}{% endif %}">A</a>'
    assert 'href="https://x.example/three"' in rendered(whole).body


def test_a_table_of_many_is_lines_in_plain_text() -> None:
    message = rendered("<table>{% tablerow pet in customer.pets cols:1 %}{{ pet }} <b>!</b>{% endtablerow %}</table>")
    assert '<td class="col1">Rex <b>!</b></td></tr>\n<tr class="row2">' in message.body
    assert message.plain == "Rex ! \nTom !"


def test_what_a_template_names_itself_is_not_warned_of() -> None:
    template = compiled("{% liquid\n  assign hello = 'Hi'\n%}{{ hello }}{% liquid assign you = 1 %}{{ you }}{{ plan }}")
    assert [(one.code, one.message) for one in template.warnings] == [
        ("unknown_name", "nothing is called 'plan'; did you mean customer.plan?")
    ]


def test_a_head_that_is_not_closed_hides_no_text() -> None:
    assert rendered("<html><head><title>T</title><body><p>Hi</p></body></html>").plain == "Hi"


def test_a_source_with_a_header_that_mime_writes_is_refused() -> None:
    with pytest.raises(Invalid, match="is a header that Rapport writes"):
        compile_content(Source("email", "x", headers=(("Content-Disposition", "attachment"),)), snippets={})
