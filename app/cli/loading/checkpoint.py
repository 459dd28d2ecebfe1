"""What a load has already achieved, kept in a file so that a load which was stopped is taken up where it was."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson


@dataclass
class Totals:
    """Rows of the file by what became of them."""

    loaded: int = 0
    repeated: int = 0
    refused: int = 0

    @property
    def rows(self) -> int:
        return self.loaded + self.repeated + self.refused

    def add(self, more: "Totals") -> None:
        self.loaded += more.loaded
        self.repeated += more.repeated
        self.refused += more.refused


@dataclass
class Checkpoint:
    """The acknowledged batches of one load: all before ``done``, and those in ``beyond``.

    Its file is named by what is loaded (the file's content, the server, how rows are read and cut into batches), so a
    changed file or command is another load. It goes away when the load is complete.
    """

    path: Path
    done: int = 0
    beyond: set[int] = field(default_factory=set)
    totals: Totals = field(default_factory=Totals)

    @classmethod
    def open(cls, directory: Path, load: Mapping[str, Any]) -> "Checkpoint":
        """The checkpoint of this load, empty when there was none."""
        name = hashlib.sha256(orjson.dumps(load, option=orjson.OPT_SORT_KEYS)).hexdigest()[:24]
        path = directory / f"{name}.json"
        if not path.exists():
            return cls(path)
        kept = orjson.loads(path.read_bytes())
        return cls(path, kept["done"], set(kept["beyond"]), Totals(**kept["totals"]))

    @property
    def resumed(self) -> bool:
        return bool(self.done or self.beyond)

    def has(self, batch: int) -> bool:
        """Whether the server has acknowledged this batch."""
        return batch < self.done or batch in self.beyond

    def acknowledge(self, batch: int, totals: Totals) -> None:
        """Notes a batch that the server has answered for, at once and atomically."""
        self.totals.add(totals)
        self.beyond.add(batch)
        while self.done in self.beyond:
            self.beyond.remove(self.done)
            self.done += 1
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        state = {"done": self.done, "beyond": sorted(self.beyond), "totals": asdict(self.totals)}
        fresh.write_bytes(orjson.dumps(state))
        fresh.replace(self.path)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


def digest(path: Path) -> str:
    """The SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
