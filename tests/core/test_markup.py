"""Markdown of messages: what it means is shown, and nothing that it could do is done."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.markup import TAGS, to_html, to_preview

LINK = 'target="_blank" rel="noopener nofollow"'


@pytest.mark.parametrize(
    ("text", "html", "preview"),
    [
        ("plain", "<p>plain</p>", "plain"),
        ("**b** _i_ ~~s~~ `c`", "<p><strong>b</strong> <em>i</em> <s>s</s> <code>c</code></p>", "b i s c"),
        ("one\ntwo\n\nthree", "<p>one<br>\ntwo</p>\n<p>three</p>", "one two three"),
        ("1. a\n2. b", "<ol>\n<li>a</li>\n<li>b</li>\n</ol>", "a b"),
        ("3. c", '<ol start="3">\n<li>c</li>\n</ol>', "c"),
        ("> said", "<blockquote>\n<p>said</p>\n</blockquote>", "said"),
        ("```js\na < b\n```", "<pre><code>a &lt; b\n</code></pre>", "a < b"),
        ("# no heading", "<p># no heading</p>", "# no heading"),
        ("    no code", "<p>no code</p>", "no code"),
        ("&amp; &lt;", "<p>&amp; &lt;</p>", "& <"),
        ("[site](https://x.example)", f'<p><a href="https://x.example" {LINK}>site</a></p>', "site"),
        ("see https://x.example/a_b_c?d=1&e.", None, "see https://x.example/a_b_c?d=1&e."),
        ("![p](https://x.example/p.png)", f'<p>!<a href="https://x.example/p.png" {LINK}>p</a></p>', "!p"),
    ],
)
def test_marks_mean_what_people_expect(text: str, html: str | None, preview: str) -> None:
    assert html is None or to_html(text) == html
    assert to_preview(text) == preview


def test_bare_addresses_are_links() -> None:
    link = f'<a href="https://x.example/a_b?c=1" {LINK}>https://x.example/a_b?c=1</a>'
    assert to_html("(https://x.example/a_b?c=1), ok") == f"<p>({link}), ok</p>"
    assert to_html("`https://x.example`") == "<p><code>https://x.example</code></p>"
    assert to_html("[https://y.example](https://x.example)").count("<a ") == 1


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt&#58;alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "<javascript:alert(1)>",
        '[x](https://x.example "onmouseover=alert(1)")',
        '[x](https://x.example/"onmouseover="alert(1))',
        "[x](//x.example)",
        "```<script>\n</code></pre><script>alert(1)</script>\n```",
        "`</code><script>alert(1)</script>`",
        "https://x.example/<script>alert(1)</script>",
        '<a href="https://x.example" onclick="alert(1)">x</a>',
    ],
)
def test_nothing_runs(text: str) -> None:
    _check_harmless(to_html(text))


TAG = re.compile(r"<(/?)([a-z]+)((?: [a-z]+=\"[^\"<>]*\")*)>")


def _check_harmless(html: str) -> None:
    """Everything between angle brackets is a tag of the few, with the attributes of the few."""
    rest = TAG.sub("", html)
    assert "<" not in rest
    assert ">" not in rest
    for _, name, attributes in TAG.findall(html):
        assert name in TAGS
        for key, value in re.findall(r" ([a-z]+)=\"([^\"]*)\"", attributes):
            assert key in {"href", "rel", "target", "start"}
            assert key != "href" or re.match(r"(https?://|mailto:)", value, re.IGNORECASE)


hostile = st.lists(
    st.sampled_from(
        [*"<>[]()`*_~!\"'&;:/=#\n ", "https://x.example", "javascript:", "<script>", "onerror=", "&#58;", "data:", "a"]
    ),
    max_size=40,
).map("".join)


@given(st.one_of(st.text(), hostile))
def test_whatever_is_written_is_harmless(text: str) -> None:
    _check_harmless(to_html(text))
    preview = to_preview(text, 20)
    assert len(preview) <= 20
    assert "\n" not in preview


def test_a_preview_ends_where_it_must() -> None:
    assert to_preview("a" * 300) == "a" * 300
    assert to_preview("a" * 301) == "a" * 299 + "…"


@pytest.mark.parametrize("unit", ["*", "[", "<", "&", "> ", "- ", "`", "*a_", "[a](b", "~~a", "[](", "http://", "a\n"])
def test_the_longest_message_is_read_in_a_moment(unit: str) -> None:
    text = (unit * 10_000)[:10_000]
    began = time.perf_counter()
    to_html(text)
    to_preview(text)
    assert time.perf_counter() - began < 1
