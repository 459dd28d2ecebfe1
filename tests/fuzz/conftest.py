"""A served house with two tenants, for all tests of a module; and how much is to be done."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from app.core.settings import Settings
from tests.fuzz.serving import served
from tests.fuzz.verdict import Verdict
from tests.fuzz.world import TENANT, World, make_world

GATE_EXAMPLES = {"sqlite": 3, "postgres": 1}
GATE_STRIDE = {"sqlite": 19, "postgres": 61}


@dataclass(frozen=True)
class Effort:
    """``examples`` of each kind per operation; of the corpus every ``stride``-th request."""

    examples: int
    stride: int
    is_long: bool


@dataclass
class Fuzzed:
    """What the fuzzers work on."""

    url: str
    own: World
    foreign: World
    verdict: Verdict


@pytest.fixture(scope="module")
def effort(backend: str) -> Effort:
    given = int(os.environ.get("FUZZ_EXAMPLES", "0"))
    if given:
        return Effort(given, 1, True)
    return Effort(GATE_EXAMPLES[backend], GATE_STRIDE[backend], False)


@pytest.fixture(scope="module")
def fuzzed(module_settings: Settings, backend: str, effort: Effort) -> Iterator[Fuzzed]:
    """At the end nothing of the second tenant may have changed."""
    with served(module_settings) as url:
        own, foreign = make_world(url, "acme"), make_world(url, TENANT)
        before = foreign.contents()
        verdict = Verdict(url)
        yield Fuzzed(url, own, foreign, verdict)
        assert foreign.contents() == before
    if effort.is_long:
        print(f"\n{backend}: {_told(verdict.counts)}")  # noqa: T201


def _told(counts: Counter[tuple[str, int]]) -> str:
    total = f"{counts.total()} requests"
    return "\n  ".join([total, *(f"{target} {status}: {n}" for (target, status), n in sorted(counts.items()))])
