"""The documents say what is so: the README's table of settings, its commands, and the exported schema."""

import re

from app.cli.roof import from_roof
from app.cli.settings import fields, settings_table
from tests.architecture.source import ROOT

README = (ROOT / "README.md").read_text()


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
