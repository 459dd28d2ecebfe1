"""Puts the widget's modules together into one classic script. There is no build: this runs when a server starts.

The modules are ordinary ones, so that every editor and checker understands them. Here each becomes a function that
returns what it exports, after those that it imports (by ``{…}``, under the same names). Comments and needless spaces
are left out; line ends stay wherever JavaScript might read something into them. A template must not have another
inside, and a regular expression stands only where nothing could be divided.
"""

import json
import re
from pathlib import Path

START = "main.js"
IMPORT = re.compile(r'^import\s+(\{[^}]*\})\s+from\s+"\./([\w./-]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export ((?:async )?function|const|let|class) (\w+)", re.MULTILINE)
LEXEME = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)"""
    r"""|(?P<comment>//[^\n]*|/\*.*?\*/)"""
    r"""|(?P<pattern>(?<=[(,=:&|!?])[ ]?/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\n\[])+/[a-z]*)"""
    r"""|(?P<space>\s+)"""
    r"""|(?P<word>[\w$]+)"""
    r"""|(?P<sign>.)""",
    re.DOTALL,
)
OPENING = "{([,;:?&|=<+*>"
CLOSING = "})],;:?&|.="


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
    body = small(EXPORT.sub(r"\1 \2", body))
    return f"const {_variable(name)}=(()=>{{{body}\nreturn{{{exports}}}}})();\n"


def small(script: str) -> str:
    """The same script with fewer characters: no comments, and space only where two words or two statements meet."""
    written = ""
    gap = ""
    for found in LEXEME.finditer(script):
        text = found[0]
        if found.lastgroup in ("space", "comment"):
            gap = "\n" if "\n" in gap + text else gap or " "
            continue
        if found.lastgroup == "text" and text[0] == "`":
            text = re.sub(r"\s*\n\s*", " ", text)
        written += _between(written[-1:], gap, text.lstrip()) + text.lstrip()
        gap = ""
    return written


def _between(before: str, gap: str, after: str) -> str:
    if not gap or not before or before in OPENING or after[0] in CLOSING:
        return ""
    if gap == "\n":
        return gap
    return " " if _in_word(before) and _in_word(after[0]) else ""


def _in_word(character: str) -> bool:
    return character.isalnum() or character in "_$"


def _variable(name: str) -> str:
    return "$" + re.sub(r"\W", "_", name.removesuffix(".js"))


def _tight(sheet: str) -> str:
    sheet = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    return re.sub(r"\s*([{};,>])\s*", r"\1", re.sub(r"\s+", " ", sheet)).replace(";}", "}").strip()
