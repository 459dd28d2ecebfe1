"""Names of files, made fit to be shown and to be saved under."""

import unicodedata

from app.actions.files.kinds import EXTENSIONS

LONGEST_NAME = 200
UNSAVABLE = set('<>:"|?*')
"""What some system cannot have in a name, besides the separators of paths."""
INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Controls and formats (among them what turns the direction of writing), halves of characters, line ends."""


def clean_name(name: str, mime_type: str) -> str:
    """What a sender calls a file, without its path and without what cannot be seen, saved or trusted.

    The ending is one of the file's own kind, so that ``invoice.html`` whose bytes are text becomes
    ``invoice.html.txt``; a name of which nothing is left becomes ``file``.
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(
        " " if character.isspace() else "_" if character in UNSAVABLE else character
        for character in unicodedata.normalize("NFC", last)
        if character.isspace() or unicodedata.category(character) not in INVISIBLE
    )
    tidy = " ".join(seen.split()).strip(". ")
    stem, dot, ending = tidy.rpartition(".")
    allowed = EXTENSIONS[mime_type]
    if not dot or ending.lower() not in allowed:
        stem, ending = tidy, allowed[0]
    stem = stem.rstrip(". ")[:LONGEST_NAME].rstrip(". ") or "file"
    return f"{stem}.{ending}"
