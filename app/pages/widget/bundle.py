"""Puts the widget's modules together into one classic script. There is no build: this runs when a server starts.

The modules are ordinary ones, so that every editor and checker understands them. Here each becomes a block, after those
that it imports, and what it exports a variable around all blocks: no name may be exported twice, nor be imported under
another. Comments and needless spaces are left out; line ends stay wherever JavaScript might read something into them.
A template must not have another inside, and a regular expression stands only where nothing could be divided.
"""

import json
import re
from collections import Counter
from pathlib import Path

START = "main.js"
IMPORT = re.compile(r'^import\s+\{[^}]*\}\s+from\s+"\./([\w.-]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export ((?:async )?function|const|class) (\w+)(?: =)?", re.MULTILINE)
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

    Raises :class:`ValueError` when a module imports itself by way of others, or a name is exported twice.
    """
    styles = json.dumps("".join(_tight(sheet.read_text()) for sheet in sorted(sheets.glob("*.css"))))
    sources = [(scripts / name).read_text() for name in in_order(scripts)]
    exported = Counter(name for source in sources for _, name in EXPORT.findall(source))
    twice = [name for name, times in exported.items() if times > 1]
    if twice:
        raise ValueError(f"exported by more than one module: {', '.join(twice)}")
    modules = "".join(map(_as_block, sources))
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


def _as_block(module: str) -> str:
    return "{" + small(EXPORT.sub(_as_variable, IMPORT.sub("", module))) + "\n}\n"


def _as_variable(found: re.Match[str]) -> str:
    declared, name = found.groups()
    return f"var {name}=" if declared == "const" else f"var {name}={declared}"


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


def _tight(sheet: str) -> str:
    sheet = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    return re.sub(r"\s*([{};,>])\s*", r"\1", re.sub(r"\s+", " ", sheet)).replace(";}", "}").strip()
