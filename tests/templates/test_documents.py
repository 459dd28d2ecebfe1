"""The page about content names every filter and every tag that there is, and none besides."""

import re
from pathlib import Path

from app.templates.language import TEXT, language
from app.templates.pieces import MIDDLES, TAGS

PAGE = (Path(__file__).parents[2] / "docs/content.md").read_text()


def section(title: str) -> set[str]:
    """The first words between backticks below a heading."""
    text = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"`(?:\{% )?([a-z_0-9#]+)", text))


def test_every_filter_and_every_tag_is_on_the_page() -> None:
    filters = set(language(TEXT).filters)
    assert section("Filters") == filters
    own = {tag for tag in TAGS if not tag.startswith("end")}
    assert section("Tags") == own | MIDDLES.keys()
