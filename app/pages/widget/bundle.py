"""Puts the widget's modules together into one classic script. There is no build: this runs when a server starts.

The modules are ordinary ones, so that every editor and checker understands them. Here each becomes a function that
returns what it exports, after those that it imports (by ``{…}``, under the same names). Comments and indentation are
left out: no text that goes over several lines may depend on them.
"""

import json
import re
from pathlib import Path

START = "main.js"
IMPORT = re.compile(r'^import\s+(\{[^}]*\})\s+from\s+"\./([\w./-]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export ((?:async )?function|const|let|class) (\w+)", re.MULTILINE)
BLOCK_COMMENT = re.compile(r"^\s*/\*.*?\*/\s*\n", re.MULTILINE | re.DOTALL)
LINE_COMMENT = re.compile(r"^\s*//.*\n", re.MULTILINE)
INDENT = re.compile(r"^\s+", re.MULTILINE)


def bundle(scripts: Path, sheets: Path) -> str:
    """The script that a page loads. ``STYLES`` is the text of all the sheets, in the order of their names.

    Raises :class:`ValueError` when a module imports itself by way of others.
    """
    styles = json.dumps("".join(_tight(sheet.read_text()) for sheet in sorted(sheets.glob("*.css"))))
    modules = "".join(_as_function(name, (scripts / name).read_text()) for name in in_order(scripts))
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
    for _, imported in IMPORT.findall((scripts / name).read_text()):
        _add(scripts, imported, ordered, (*on_the_way, name))
    ordered.append(name)


def _as_function(name: str, module: str) -> str:
    exports = ",".join(exported for _, exported in EXPORT.findall(module))
    body = IMPORT.sub(lambda found: f"const {found[1]}={_variable(found[2])};\n", module)
    body = INDENT.sub("", LINE_COMMENT.sub("", BLOCK_COMMENT.sub("", EXPORT.sub(r"\1 \2", body))))
    return f"const {_variable(name)}=(()=>{{\n{body}return{{{exports}}}}})();\n"


def _variable(name: str) -> str:
    return "$" + re.sub(r"\W", "_", name.removesuffix(".js"))


def _tight(sheet: str) -> str:
    sheet = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    return re.sub(r"\s*([{};,>])\s*", r"\1", re.sub(r"\s+", " ", sheet)).replace(";}", "}").strip()
