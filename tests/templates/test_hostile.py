"""A thousand templates that mean us no good, and people whose values do: a clear error or safe text, and soon."""

import csv
import io
import random
import re
import time
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest

from app.core.errors import Invalid
from app.templates import LONGEST_OUTPUT, Person, Source, Tracking, compile_content, context_of
from tests.templates.letters import ADA

LONGEST = 3.0
"""Seconds of a processor for compiling and rendering one of them; nearly all take milliseconds."""
EACH = 143
BREAKS = ("\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x00\n", "\r\n\t")
SCRIPTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "--><script>alert(1)</script>",
    "</title></style></textarea><script>alert(1)</script>",
    "javascript:alert(1)",
    " JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "x onclick=alert(1)",
    "{{ customer.secret }}{% for i in (1..999999999) %}x{% endfor %}",
)
FORMULAS = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", '=HYPERLINK("http://x")')

Case = tuple[Source, dict[str, Any]]


def endless(pick: random.Random) -> Case:
    """Loops in loops."""
    body = pick.choice(
        ["x", "{{ i }}", "{% assign a = i %}", "{% cycle 'a', 'b' %}", "{{ customer.big }}", "{% increment n %}"]
    )
    for _ in range(pick.randint(1, 5)):
        end = pick.choice([1000, 10**6, 10**9, 10**18])
        of = pick.choice([f"(1..{end})", f"(-{end}..{end})", "customer.list", "trigger.rows"])
        tag = pick.choice(["for", "for", "tablerow"])
        body = f"{{% {tag} i in {of} %}}{body}{{% end{tag} %}}"
        if pick.random() < 0.3:
            body = f"{{% case 1 %}}{{% when 1 %}}{body}{{% endcase %}}"
    return Source(pick.choice(["email", "sms"]), body), {}


def huge(pick: random.Random) -> Case:
    """Much out of little."""
    grow = pick.choice(
        [
            "{% assign a = a | append: a %}",
            "{% assign a = a | replace: 'a', a %}",
            "{% capture a %}{{ a }}{{ a }}{{ customer.big }}{% endcapture %}",
            "{% assign n = n | times: n %}{{ n }}",
            "{% assign l = l | concat: l %}{{ l | join: a }}",
            "{{ customer.list | join: customer.big }}",
            "{{ (1..1000000000) | join }}",
            "{% if (1..1000000000) contains 'a' %}x{% endif %}",
            "{{ trigger.rows | json }}{{ trigger.rows }}",
            "{{ 5 | round: -99999999 }}",
            "{{ 'now' | date: '%999999999d' }}",
            "{{ trigger.rows | uniq | sort | map: 'a' | sum }}",
            "{{ customer.big | split: '' | join: customer.big }}",
            "{{ snippets.bomb }}",
        ]
    )
    head = "{% assign a = 'aaaaaaaaaa' %}{% assign n = 999999 %}{% assign l = customer.list %}"
    return Source(pick.choice(["email", "sms"]), head + grow * pick.choice([1, 10, 30, 300])), {}


def missing(pick: random.Random) -> Case:
    """What nobody has."""
    name = ".".join(pick.choice(["customer", "x", "__class__", "mro", "items", "0", "size", "first"]) for _ in range(3))
    text = pick.choice(
        [
            "{{ %s }}",
            "{{ %s | upcase | date: '%%Y' | append: x | times: 3 }}",
            "{%% for a in %s %%}{{ a.b }}{%% endfor %%}",
            "{%% if %s > 3 and %s contains 'x' %%}y{%% endif %%}",
            "{{ %s | where: 'a', b | map: c | first }}",
            "{{ customer[%s] }}{{ customer['__globals__'] }}",
        ]
    )
    return Source(pick.choice(["email", "sms", "push"]), text.replace("%s", name).replace("%%", "%")), {}


def injecting(pick: random.Random) -> Case:
    """Values with line breaks in every header."""
    evil = f"Ada{pick.choice(BREAKS)}Bcc: all@example.com{pick.choice(BREAKS)}{pick.choice(BREAKS)}<p>body"
    spoken = pick.choice(["{{ customer.evil }}", evil, "{% capture x %}{{ customer.evil }}{% endcapture %}{{ x }}"])
    source = Source(
        "email",
        "Hi",
        subject=spoken,
        preheader=spoken,
        from_address=f"{spoken.replace('<p>', '')} <a@example.com>",
        reply_to="{{ customer.evil }}",
        headers=(("X-One", spoken),),
        fields={"cc": spoken},
    )
    return source, {"evil": evil}


def formulas(pick: random.Random) -> Case:
    """What a spreadsheet would run."""
    formula = pick.choice(FORMULAS)
    body = pick.choice(["{{ customer.evil }}", formula, "{{ customer.evil | strip }}", "{{ '=' }}1+{{ customer.n }}"])
    return Source(pick.choice(["sms", "email"]), body, subject="{{ customer.evil }}"), {"evil": formula}


def scripts(pick: random.Random) -> Case:
    """Values that want to be run."""
    place = pick.choice(
        [
            "<p>%s</p>",
            '<a href="%s">x</a>',
            "<a href=%s>x</a>",
            "<a href='https://x.example/%s'>x</a>",
            "<img alt=%s>",
            "<p title='%s'>x</p>",
            "<style>p{color:red}</style><p>%s</p><p title=%s>",
            "<title>%s</title>",
            "<!-- %s -->",
            "<textarea>%s</textarea>",
            "<table>%s<tr><td>%s</table>",
        ]
    )
    value = pick.choice(
        ["{{ customer.evil }}", "{{ customer.evil | append: customer.evil }}", "{% assign a = customer.evil %}{{ a }}"]
    )
    value = pick.choice([value, value, "{% capture c %}{{ customer.evil }}{% endcapture %}{{ c }}"])
    return Source("email", place.replace("%s", value)), {"evil": pick.choice(SCRIPTS)}


def broken(pick: random.Random) -> Case:
    """A good template with something wrong."""
    text = (
        "<style>p{color:red}</style>{% if customer.n > 3 %}<a href='{{ customer.url }}'>"
        "{% for i in customer.list limit:3 %}"
        "{{ i | plus: 1 | append: '!' }}{% else %}{% endfor %}</a>{% elsif x %}"
        "{% capture y %}z{% endcapture %}{% endif %}"
        "{% case y %}{% when 'z', 'q' %}{{ snippets.bomb }}{% endcase %}{% raw %}{{ }}{% endraw %}"
    )
    for _ in range(pick.randint(1, 6)):
        at = pick.randrange(len(text))
        new = pick.choice(
            ["", "{{", "}}", "{%", "%}", "|", "'", '"', "<", ">", "end", "[", "\x00", "\ue000", "\ud800", "("]
        )
        text = text[:at] + new + text[at + pick.choice([0, 1, 5, 40]) :]
    return Source(pick.choice(["email", "sms"]), text), {}


FAMILIES = (endless, huge, missing, injecting, formulas, scripts, broken)
SNIPPETS = {
    "bomb": "{{ snippets.bomb2 }}" * 50,
    "bomb2": "{{ snippets.bomb3 }}" * 50,
    "bomb3": "x{{ customer.n }}" * 50,
}
DATA = {"big": "b" * 9_000, "list": list(range(1_000)), "n": 3, "secret": "s3cret", "url": "https://x.example/?a=1&b"}
ROWS = {"rows": [{"a": number, "text": "t" * 50} for number in range(1_000)]}


def cases(family: Any) -> Iterator[Case]:
    """The templates of a family: always the same ones."""
    pick = random.Random(family.__name__)
    for _ in range(EACH):
        source, values = family(pick)
        yield source, {**DATA, **values}


def test_there_are_a_thousand() -> None:
    assert EACH * len(FAMILIES) == 1001


@pytest.mark.parametrize("family", FAMILIES)
def test_what_means_no_good_ends_soon_in_an_error_or_in_safe_text(family: Any) -> None:
    ends = {"error": 0, "text": 0}
    for source, values in cases(family):
        person = Person(ADA.id, values)
        tracking = Tracking(lambda number, url: f"https://t.example/{number}", "https://t.example/o.gif")
        begun = time.process_time()
        try:
            template = compile_content(source, snippets=SNIPPETS)
            message = template.render(context_of(person, trigger=ROWS), tracking)
        except Invalid as refused:
            assert refused.issues[0].message, source
            ends["error"] += 1
        else:
            ends["text"] += 1
            assert len(message.body) + len(message.plain) <= 2 * LONGEST_OUTPUT
            check_safe(source, message, values)
        assert time.process_time() - begun < LONGEST, source
    assert sum(ends.values()) == EACH
    assert ends["text"] > 0, ends


def check_safe(source: Source, message: Any, values: dict[str, Any]) -> None:
    """Nothing of a person's own became anything but text."""
    headers = [message.subject, message.preheader, message.from_address, message.reply_to]
    headers += [value for _, value in message.headers]
    for header in headers:
        assert len(header.splitlines()) <= 1 and "\x00" not in header, source
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = message.subject
    for name, value in message.headers:
        mail[name] = value
    mail.set_content(message.plain or "x")
    assert "\nBcc:" not in mail.as_string().partition("\r\n\r\n")[0]
    if source.channel == "email" and "evil" in values and values["evil"] in SCRIPTS:
        assert "<script" not in message.body.lower() and "<img src=x" not in message.body, source
        assert "s3cret" not in message.body + message.plain
        for href in re.findall(r"href=[\"']?([^\"'>]*)", message.body):
            assert not href.strip().lower().startswith(("javascript", "data")), source
        for tag in re.findall(r"<[a-z][^<]*>", re.sub(r"\"[^\"]*\"|'[^']*'", "", message.body)):
            assert " on" not in tag, source
    line = io.StringIO()
    csv.writer(line).writerow([message.subject])
    assert next(csv.reader(io.StringIO(line.getvalue()))) == [message.subject]
