"""What uploads are found to be, and what they are called afterwards."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.actions.files.kinds import EXTENSIONS, HEAD_BYTES, INLINE, sniff
from app.actions.files.limits import LIGHT_KINDS
from app.actions.files.names import INVISIBLE, clean_name
from tests.uploads import PNG, REFUSED, TAKEN


@pytest.mark.parametrize("name", TAKEN)
def test_bytes_say_what_a_file_is(name: str) -> None:
    content, mime_type, size = TAKEN[name]
    found = sniff(content, name)
    assert found is not None
    assert (found.mime_type, (found.width, found.height)) == (mime_type, size or (None, None))
    assert name.rpartition(".")[2] in EXTENSIONS[mime_type]


@pytest.mark.parametrize("name", REFUSED)
def test_markup_and_programs_are_nothing_we_take(name: str) -> None:
    assert sniff(REFUSED[name], name) is None


def test_a_name_changes_nothing_of_what_bytes_are() -> None:
    renamed = {name: sniff(content, "evil.html") for name, (content, _, _) in TAKEN.items()}
    kinds = {name: found.mime_type if found else None for name, found in renamed.items()}
    told_apart_by_name = {"q.doc": None, "t.csv": "text/plain"}
    assert kinds == {name: mime_type for name, (_, mime_type, _) in TAKEN.items()} | told_apart_by_name


def test_nothing_that_can_act_is_ever_shown_in_its_place() -> None:
    assert all(kind.startswith("image/") for kind in INLINE)
    assert not any("svg" in kind or "html" in kind or kind[-3:] == "xml" for kind in EXTENSIONS)
    assert INLINE <= LIGHT_KINDS < set(EXTENSIONS)


@given(st.binary(max_size=2000), st.sampled_from([b"", *(content[:40] for content, _, _ in TAKEN.values())]))
def test_no_bytes_make_sniffing_fail(rest: bytes, start: bytes) -> None:
    found = sniff((start + rest)[:HEAD_BYTES], "x.txt")
    assert found is None or found.mime_type in EXTENSIONS


@pytest.mark.parametrize(
    ("given_name", "mime_type", "kept"),
    [
        ("holiday.png", "image/png", "holiday.png"),
        ("HOLIDAY.JPEG", "image/jpeg", "HOLIDAY.JPEG"),
        ("../../etc/passwd", "text/plain", "passwd.txt"),
        ("C:\\Users\\me\\plan.pdf", "application/pdf", "plan.pdf"),
        ("invoice.html", "text/plain", "invoice.html.txt"),
        ("run.exe", "image/png", "run.exe.png"),
        ("photo\u202egnp.exe", "image/png", "photognp.exe.png"),
        ("a\r\nSet-Cookie: x\x00\u200b\u2066.txt", "text/plain", "a Set-Cookie_ x.txt"),
        ("  spaced   out .txt ", "text/plain", "spaced out.txt"),
        ('<img src=x onerror="alert(1)">.png', "image/png", "_img src=x onerror=_alert(1)__.png"),
        ("...", "text/plain", "file.txt"),
        ("", "image/gif", "file.gif"),
        (".png", "image/png", "png.png"),
        ("/", "application/zip", "file.zip"),
        ("Grüße 你好.csv", "text/csv", "Grüße 你好.csv"),
        ("x" * 500 + ".pdf", "application/pdf", "x" * 200 + ".pdf"),
    ],
)
def test_names_lose_what_cannot_be_seen_saved_or_trusted(given_name: str, mime_type: str, kept: str) -> None:
    assert clean_name(given_name, mime_type) == kept


@given(st.text(max_size=300), st.sampled_from(sorted(EXTENSIONS)))
def test_every_name_becomes_one_to_save_under(name: str, mime_type: str) -> None:
    kept = clean_name(name, mime_type)
    stem, _, ending = kept.rpartition(".")
    assert 1 <= len(stem) <= 200
    assert ending.lower() in EXTENSIONS[mime_type]
    assert not set(kept) & set('/\\<>:"|?*')
    assert all(unicodedata.category(character) not in INVISIBLE for character in kept)
    assert clean_name(kept, mime_type) == kept


def test_a_picture_is_measured_only_as_far_as_it_says() -> None:
    found = sniff(PNG[:18], "cut.png")
    assert found is not None
    assert (found.mime_type, found.width) == ("image/png", None)
