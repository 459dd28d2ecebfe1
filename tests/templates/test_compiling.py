"""What a template becomes for one person."""

import pickle

import pytest

from app.core.errors import Invalid
from app.templates import Source, TemplateFailed
from tests.templates.letters import FOLLOWED, compiled, rendered, said


def test_an_email_is_personal_and_escaped_and_its_text_says_the_same():
    message = rendered("<p>Hi {{ customer.first_name }}, {{ trigger.order }} {{ event.name }} {{ customer.none }}</p>")
    assert message.body == "<p>Hi Ada &amp; &lt;b&gt;co&lt;/b&gt;, 7 bought </p>"
    assert message.plain == "Hi Ada & <b>co</b>, 7 bought"
    assert (
        said("{{ customer.first_name }} {{ customer.id }} {{ customer.email }}")
        == "Ada & <b>co</b> a-1 ada@example.com"
    )


def test_layouts_frame_and_snippets_stand_where_they_are_named():
    message = rendered(
        "<p>Body</p>{{ snippets['the end'] }}",
        snippets={"the end": "<i>{{ snippets.name }}</i>", "name": "{{ customer.plan }}"},
        layout="<html><body class=x>{{ content }}</body></html>",
        preheader="You have {{ customer.points }} > 2",
    )
    assert message.body.startswith("<html><body class=x><div style=")
    assert message.body.endswith("You have 3 &gt; 2</div><p>Body</p><i>pro</i></body></html>")
    assert message.plain == "Body\n\npro"
    assert message.preheader == "You have 3 > 2"


def test_links_are_followed_but_not_those_of_the_message_itself():
    body = (
        "<a href=\"https://x.example/?a={{ customer.id }}&amp;b=1\">one</a> <a href='https://y.example'>two</a>"
        ' <a href="{% unsubscribe_url %}">out</a> <a class="big untracked" href="https://z.example">three</a>'
        ' <a href="mailto:a@b.example">write</a> <a href={{ customer.bad }}>bad</a> <a href="https://y.example">two</a>'
    )
    template = compiled(body)
    assert template.links == ("https://x.example/?a={{ customer.id }}&b=1", "https://y.example", "{{ customer.bad }}")
    message = rendered(body, FOLLOWED)
    assert '<a href="https://t.example/0">one</a> <a href="https://t.example/1">two</a>' in message.body
    assert '<a href="https://t.example/u?a=1&amp;b=2">out</a>' in message.body
    assert '<a class="big untracked" href="https://z.example">three</a>' in message.body
    assert message.body.endswith(
        '<img src="https://t.example/o.gif" width="1" height="1" alt="" style="display:block">'
    )
    assert message.plain == (
        "one (https://t.example/0) two (https://t.example/1) out (https://t.example/u?a=1&b=2)"
        " three (https://z.example) write (a@b.example) bad two (https://t.example/1)"
    )


def test_css_goes_onto_the_elements_and_liquid_stays_where_it_was():
    head = "<style>td{color:red} @media (max-width:9px){td{color:blue}}</style>"
    body = (
        head
        + "<table>{% for p in customer.pets %}<tr><td width='{{ forloop.index }}'>{{ p }}</td></tr>{% endfor %}</table>"
    )
    message = rendered(body)
    row = '<tr><td width="{}" style="color: red;">{}</td></tr>'
    assert f"<table>{row.format(1, 'Rex')}{row.format(2, 'Tom')}</table>" in message.body
    assert "@media (max-width:9px)" in message.body and "td{color:red}" not in message.body
    kept = compiled(head + "<p {% if customer.vip %}class='a'{% endif %}>x</p>")
    assert [warned.code for warned in kept.warnings] == ["css_stays"]


def test_a_header_never_has_a_line_break():
    message = rendered(
        "x",
        subject="Hi {{ 'a' | append: customer.x }}\r\n\tBcc: evil@x.example\u2028\x0bz\x00",
        from_address="{{ customer.plan | append: nl }} <a@b.example>",
        headers=(("X-Plan", "{% for pet in customer.pets %}{{ pet }}\n{% endfor %}"),),
    )
    assert message.subject == "Hi a Bcc: evil@x.example z"
    assert message.from_address == "pro <a@b.example>"
    assert message.headers == (("X-Plan", "Rex Tom"),)
    with pytest.raises(TemplateFailed, match="is not one address"):
        rendered("x", from_address="{% for pet in customer.pets %}{{ pet }}@x.example, {% endfor %}")


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        ("a\n\n{{ customer.x | foo }}", "body", "line 3: unknown filter 'foo'"),
        ("a\n{% include 'x' %}", "body", "line 2: unknown tag 'include'"),
        ("{% rapport_pixel %}", "body", "line 1: unknown tag 'rapport_pixel'"),
        ("\n{% if customer.x %}", "body", "line 2: {% if %} is never closed"),
        ("{% endfor %}", "body", "line 1: {% endfor %} closes nothing"),
        ("{{" * 100_000, "body", "line 1: {{ is never closed by }}"),
        ("\n{{ snippets.none }}", "body", "line 2: there is no snippet 'none'"),
        ("{{ snippets.loop }}", "snippets.loop", "line 2: the snippet 'loop' has itself in it"),
        ("{{ snippets.broken }}", "snippets.broken", "line 2: unknown filter 'foo'"),
        (
            "\n{% if customer.x == %}{% endif %}",
            "body",
            "line 2: expected a primitive expression, found end of expression",
        ),
    ],
)
def test_what_is_no_liquid_is_refused_with_its_place(body, path, message):
    snippets = {"loop": "\n{{ snippets.loop }}", "broken": "\n{{ 1 | foo }}"}
    with pytest.raises(Invalid) as refused:
        compiled(body, snippets=snippets)
    assert [(issue.path, issue.message) for issue in refused.value.issues] == [(path, message)]


def test_a_layout_needs_one_place_for_the_content():
    for layout in ("<p>no</p>", "{{ content }}{{ content }}"):
        with pytest.raises(Invalid, match=r"layout: must have \{\{ content \}\} in it once"):
            compiled("x", layout=layout)


def test_what_crosses_processes_can_be_pickled():
    source = Source("email", "x", headers=(("A", "b"),), fields={"cc": "c"})
    assert pickle.loads(pickle.dumps(source)) == source
    failed = pickle.loads(pickle.dumps(TemplateFailed("body", 3, "is too long")))
    assert (failed.part, failed.line, str(failed)) == ("body", 3, "body: line 3: is too long")
