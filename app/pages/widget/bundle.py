"""Puts the widget's modules together into one classic script. There is no build: this runs when a server starts.

The modules are ordinary ones, so that every editor and checker understands them. Here they lose their imports and
exports and share one scope, each after those that it imports; a name may therefore be given only once among all of
them. Comments and indentation are left out: a module's lines must not depend on them, and a text that goes over
several lines must not have a line that looks like a comment.
"""

import json
import re
from pathlib import Path

START = "main.js"
IMPORT = re.compile(r'^import\s[^;]*?from\s+"\./([\w./-]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?function|const|let|class)", re.MULTILINE)
BLOCK_COMMENT = re.compile(r"^\s*/\*.*?\*/\s*\n", re.MULTILINE | re.DOTALL)
LINE_COMMENT = re.compile(r"^\s*//.*\n", re.MULTILINE)
INDENT = re.compile(r"^\s+", re.MULTILINE)


def bundle(scripts: Path, sheets: Path) -> str:
    """The script that a page loads. ``STYLES`` is the text of all the sheets, in the order of their names.

    Raises :class:`ValueError` when a module imports itself by way of others.
    """
    styles = json.dumps("".join(_tight(sheet.read_text()) for sheet in sorted(sheets.glob("*.css"))))
    modules = "".join(_bare((scripts / name).read_text()) for name in in_order(scripts))
    return f'(()=>{{\n"use strict";\nconst STYLES={styles};\n{modules}}})();\n'


def in_order(scripts: Path) -> list[str]:
    """The modules that ``main.js`` needs, each after those that it imports itself."""
    ordered: list[str] = []
    _add(scripts, START, ordered, ())
    return ordered


def _add(scripts: Path, name: str, ordered: list[str], on_the_way: tuple[str, ...]) -> None:
    if name in on_the_way:
        raise ValueError(f"{' -> '.join((*on_the_way, name))}: modules import each other")
    if name in ordered:
        return
    for imported in IMPORT.findall((scripts / name).read_text()):
        _add(scripts, imported, ordered, (*on_the_way, name))
    ordered.append(name)


def _bare(module: str) -> str:
    module = EXPORT.sub("", IMPORT.sub("", module))
    return INDENT.sub("", LINE_COMMENT.sub("", BLOCK_COMMENT.sub("", module)))


def _tight(sheet: str) -> str:
    sheet = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    return re.sub(r"\s*([{};,>])\s*", r"\1", re.sub(r"\s+", " ", sheet)).replace(";}", "}").strip()
