"""The house keeps its shape: floors, names, sizes, one reader of the environment, nothing of this machine."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import FLOORS, ROOT, modules, name, tree

LONGEST_FILE = 400
VAGUE = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc", "base_classes"}
TOP = {
    ".ci",
    ".dockerignore",
    ".gitignore",
    "CHANGELOG.md",
    "Dockerfile",
    "Makefile",
    "README.md",
    "app",
    "asgi.py",
    "benchmarks",
    "compose.yaml",
    "docs",
    "models",
    "pyproject.toml",
    "requirements-dev.txt",
    "requirements.txt",
    "resolvers",
    "schema.graphql",
    "tests",
    "workers",
}
"""Everything that may lie at the top: DESIGN section 1, and what a tool insists on."""

MACHINE = re.compile(
    r"https?://(files|registry|deb)[.][a-z.]+/"  # a package registry
    r"|https?://[a-z.]+/simple\b"  # a package index
    r"|(?<![\w.])/(work|opt/(pypi|wheels)|root)/",  # a path of the machine it was written on
)

PINNED = re.compile(r"[a-z0-9._-]+(\[[a-z0-9,]+\])?==\S+ .*--hash=sha256:")


def tracked() -> list[Path]:
    """The files of the tree: what git knows, and what it would take in."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for entry in listed.stdout.split("\0") if entry and (path := ROOT / entry).is_file()]


def test_the_floors_are_kept() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_nothing_unforeseen_lies_at_the_top() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} - TOP == set()


def test_no_file_is_too_long() -> None:
    long = {
        name(path): lines
        for path in tracked()
        if path.suffix in {".py", ".js", ".css"}
        if (lines := len(path.read_text().splitlines())) > LONGEST_FILE
    }
    assert long == {}


def test_no_module_has_a_vague_name() -> None:
    vague = [name(path) for path in modules(*FLOORS, "tests") if {path.stem, path.parent.name} & VAGUE]
    assert vague == []


def test_only_settings_reads_the_environment() -> None:
    readers = [
        f"{name(path)}:{node.lineno}"
        for path in [*modules(*FLOORS), ROOT / "asgi.py"]
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb"})
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and {a.name for a in node.names} & {"environ", "getenv"}
        )
        or (isinstance(node, ast.keyword) and node.arg == "envvar")
    ]
    assert readers == []


def test_only_the_clock_reads_the_clock() -> None:
    """Everything else asks ``app.core.clock`` or the unit of work, so that one unit has one moment."""
    readers = [
        f"{name(path)}:{node.lineno}"
        for path in modules(*FLOORS)
        if path != ROOT / "app/core/clock.py"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and node.attr in {"now", "utcnow", "today"}
        and isinstance(node.value, ast.Name)
        and node.value.id in {"datetime", "date"}
    ]
    assert readers == []


def test_nothing_names_a_registry_or_this_machine() -> None:
    leaks = []
    for path in tracked():
        if path == Path(__file__):
            continue
        try:
            lines = path.read_text().splitlines()
        except UnicodeDecodeError:
            continue
        leaks += [f"{name(path)}:{number}" for number, line in enumerate(lines, 1) if MACHINE.search(line)]
    assert leaks == []


def test_the_locks_pin_and_hash_everything() -> None:
    for lock in ("requirements.txt", "requirements-dev.txt"):
        entries = (ROOT / lock).read_text().replace("\\\n", " ").splitlines()
        assert [
            entry for entry in entries if not re.match(r"[a-z0-9._-]+(\[[a-z0-9,]+\])?==\S+ .*--hash=sha256:", entry)
        ] == []
