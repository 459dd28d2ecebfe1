"""A load remembers which batches were acknowledged."""

from pathlib import Path

from app.cli.loading.checkpoint import Checkpoint, Totals, digest

LOAD = {"file": "abc", "url": "http://x"}


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    checkpoint = Checkpoint.open(tmp_path, LOAD)
    assert not checkpoint.resumed
    for batch in (0, 3, 1):
        checkpoint.acknowledge(batch, Totals(loaded=90, repeated=4, refused=6))
    again = Checkpoint.open(tmp_path, LOAD)
    assert again.resumed
    assert [again.has(batch) for batch in range(5)] == [True, True, False, True, False]
    assert again.totals == Totals(loaded=270, repeated=12, refused=18)
    assert again.totals.rows == 300


def test_another_file_or_command_is_another_load(tmp_path: Path) -> None:
    Checkpoint.open(tmp_path, LOAD).acknowledge(0, Totals(loaded=1))
    assert not Checkpoint.open(tmp_path, LOAD | {"file": "abd"}).resumed


def test_a_complete_load_leaves_nothing(tmp_path: Path) -> None:
    checkpoint = Checkpoint.open(tmp_path, LOAD)
    checkpoint.remove()
    checkpoint.acknowledge(0, Totals(loaded=1))
    checkpoint.remove()
    assert list(tmp_path.iterdir()) == []


def test_the_digest_is_that_of_the_content(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"abc")
    assert digest(file) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
