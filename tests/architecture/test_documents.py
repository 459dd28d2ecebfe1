"""The documents say what is so: the README's table of settings, its commands, and the exported schema."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import DocumentNode, build_schema, parse, print_ast, validate

from app.cli.roof import from_roof
from app.cli.settings import fields, settings_table
from app.core.access import ALL_SCOPES
from tests.architecture.source import ROOT

README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
GRAPHQL = re.compile(r"^ *```graphql\n(.*?)^ *```|<<\'?END\'?(?: \|[^\n]*)?\n(.*?)^END$", re.DOTALL | re.MULTILINE)
IN_JSON = re.compile(r"""-d '({"query": .*?})'""")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in fields() if not field.description] == []


def test_the_readme_lists_the_settings() -> None:
    """Printed anew by ``rapport settings``."""
    table = re.search(r"<!-- rapport settings -->\n(.*?)\n<!-- end -->", README, re.DOTALL)
    assert table is not None
    assert table[1] == settings_table()


def test_the_readme_names_only_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE)) <= targets


def test_the_decisions_are_listed() -> None:
    records = sorted(path.name for path in (ROOT / "docs/decisions").glob("0*.md"))
    assert re.findall(r"\]\((0\d+-[a-z-]+\.md)\)", (ROOT / "docs/decisions/README.md").read_text()) == records


def test_the_exported_schema_is_that_of_the_code() -> None:
    """``make schema`` writes it."""
    assert (ROOT / "schema.graphql").read_text().rstrip("\n") == from_roof("schema_text")().rstrip("\n")


def shown_documents(page: Path) -> Iterator[str]:
    """What a page tells its readers to send to the graph."""
    text = page.read_text()
    for fenced, typed in GRAPHQL.findall(text):
        # An argument of a shell function stands for a number or within quotes.
        yield re.sub(r"(?<!\")\$(\d)", r"\1", fenced or typed)
    for body in IN_JSON.findall(text):
        yield json.loads(body)["query"]


@each_page
def test_every_document_that_a_page_shows_is_one_of_the_schema(page: Path) -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text())
    for shown in shown_documents(page):
        for definition in parse(shown).definitions:
            errors = validate(schema, DocumentNode(definitions=(definition,)))
            assert [error.message for error in errors] == [], print_ast(definition)


@each_page
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]*)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        there = page.parent / path if path else page
        assert there.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", there.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}, target


def test_the_page_about_the_graph_names_every_scope() -> None:
    text = (ROOT / "docs/graph.md").read_text()
    named = text[text.index("The scopes: ") : text.index("People have those of their role")]
    assert set(re.findall(r"`([a-z_:]+)`", named)) == {str(scope) for scope in ALL_SCOPES}


def test_every_page_is_linked_in_the_readme() -> None:
    pages = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")}
    assert pages <= set(re.findall(r"\]\((docs/[a-z-]+\.md)", README))
