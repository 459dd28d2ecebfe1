"""The console's files: plain modules that put nothing people wrote into markup, checked by browsers at each visit."""

import re
from pathlib import Path

from starlette.testclient import TestClient

from app.pages import FILES, ConsoleFiles

SOURCES = sorted(path for path in FILES.rglob("*") if path.suffix in {".js", ".css", ".html", ".svg"})
UNSAFE = re.compile(
    r"\b(innerHTML|outerHTML|insertAdjacentHTML|setHTMLUnsafe|createContextualFragment|document\.write|eval|Function)\b"
)


def named(found: list[Path]) -> list[str]:
    return [path.relative_to(FILES).as_posix() for path in found]


def test_no_module_makes_markup_or_code_of_text() -> None:
    assert len(SOURCES) > 20
    assert named([path for path in SOURCES if path.suffix == ".js" and UNSAFE.search(path.read_text())]) == []


def test_nothing_comes_from_elsewhere() -> None:
    foreign = re.compile(r"""(?:from|import|src=|href=|url)\s*\(?["'](?:https?:)?//""")
    assert named([path for path in SOURCES if foreign.search(path.read_text())]) == []


def test_browsers_ask_whether_a_file_has_changed() -> None:
    client = TestClient(ConsoleFiles(directory=FILES, html=True))
    for path in ("/", "/js/main.js", "/css/base.css"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
        again = client.get(path, headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.headers["cache-control"]) == (304, "no-cache")


def test_only_letters_are_written_as_markup_into_a_page_in_which_nothing_runs() -> None:
    writing = [path for path in SOURCES if path.suffix == ".js" and "contentDocument" in path.read_text()]
    assert named(writing) == ["js/campaigns/letter.js"]
    answer = TestClient(ConsoleFiles(directory=FILES, html=True)).get("/letter.html")
    rules = dict(rule.strip().split(" ", 1) for rule in answer.headers["content-security-policy"].split(";"))
    assert (rules["sandbox"], rules["default-src"]) == ("allow-same-origin", "'none'")
    assert not {"script-src", "connect-src", "frame-src"} & set(rules)
    assert "content-security-policy" not in TestClient(ConsoleFiles(directory=FILES, html=True)).get("/").headers
