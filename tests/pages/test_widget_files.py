"""The widget's script: small, in one piece, without anything that makes markup or code of text, and well kept."""

import json
import re
from collections.abc import Callable
from gzip import compress
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.pages.widget import FILES, widget_routes
from app.pages.widget.bundle import bundle, in_order, small
from tests.pages.test_files import UNSAFE

LARGEST = 25_000
"""Bytes of the whole script, gzipped."""
MODULES = sorted((FILES / "js").glob("*.js"))


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=widget_routes()))


def test_it_is_smaller_than_promised(client: TestClient, record_property: Callable[[str, object], None]) -> None:
    script = client.get("/widget.js").content
    size = len(compress(script, 9))
    record_property("bytes of widget.js, gzipped", size)
    assert size < LARGEST, f"{size} bytes gzipped"


def test_browsers_keep_it_for_minutes_and_ask_by_its_tag(client: TestClient) -> None:
    for path, kind in (("/widget.js", "text/javascript"), ("/widget/words/de.json", "application/json")):
        answer = client.get(path)
        assert answer.headers["content-type"].split(";")[0] == kind
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["cache-control"] == "public, max-age=300, stale-while-revalidate=86400"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        plain = client.get(path, headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.text == answer.text
        again = client.get(path, headers={"if-none-match": f"W/{answer.headers['etag']}"})
        assert (again.status_code, again.content) == (304, b"")
        assert client.head(path).content == b""
        assert client.post(path).status_code == 405


def test_every_module_is_in_it_and_none_is_unsafe() -> None:
    assert sorted(in_order(FILES / "js")) == [path.name for path in MODULES]
    assert [path.name for path in MODULES if UNSAFE.search(path.read_text())] == []


def test_every_language_says_everything() -> None:
    english = dict(re.findall(r'^  (\w+): "(.*)",$', (FILES / "js/english.js").read_text(), re.MULTILINE))
    assert len(english) > 40
    languages = sorted((FILES / "words").glob("*.json"))
    assert [path.stem for path in languages] == ["ar", "de", "es", "fr"]
    for path in languages:
        words = json.loads(path.read_text())
        assert sorted(words) == sorted(english), path.name
        places = {name: set(re.findall(r"\{\w+\}", text)) for name, text in english.items()}
        assert {name: set(re.findall(r"\{\w+\}", text)) for name, text in words.items()} == places, path.name


def test_only_words_that_exist_are_said() -> None:
    english = (FILES / "js/english.js").read_text()
    said = {name for path in MODULES for name in re.findall(r'\bsay\("(\w+)"', path.read_text())}
    assert [name for name in sorted(said) if f"  {name}: " not in english] == []


def test_spaces_and_comments_go_where_they_mean_nothing() -> None:
    source = '// one\nconst a = "x // y" + `a  b`; /* two */\nif (a) return a ? /[/"]+ x/g : b in c;\nlet d\nd()\n'
    assert small(source) == 'const a="x // y"+`a  b`;if(a)return a?/[/"]+ x/g:b in c;let d\nd()'


def test_modules_that_cannot_be_one_script_are_refused(tmp_path: Path) -> None:
    (tmp_path / "main.js").write_text('import { a } from "./other.js";\nexport function b() {}\n')
    (tmp_path / "other.js").write_text('import { b } from "./main.js";\nexport function a() {}\n')
    with pytest.raises(ValueError, match="import each other"):
        bundle(tmp_path, tmp_path)
    (tmp_path / "other.js").write_text("export function b() {}\n")
    with pytest.raises(ValueError, match="exported by more than one module: b"):
        bundle(tmp_path, tmp_path)
