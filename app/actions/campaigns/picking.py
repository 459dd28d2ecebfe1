"""Which content somebody gets: that of their group in the language nearest to theirs."""

from collections.abc import Sequence

from models import Content


def pick_content(contents: Sequence[Content], channel: str, test_group: int, locale: str | None) -> Content | None:
    """The content for a locale: ``pt-BR``, else ``pt``, else that of no language; None where there is none at all."""
    mine = {one.language.lower(): one for one in contents if one.channel == channel and one.test_group == test_group}
    parts = (locale or "").lower().replace("_", "-").split("-")
    for length in range(len(parts), 0, -1):
        found = mine.get("-".join(parts[:length]))
        if found is not None:
            return found
    return mine.get("")
