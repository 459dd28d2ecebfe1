"""The statistic that decides experiments: is the best group better than the others, or was it chance? Pure.

The group with the highest rate is compared with each of the others by a test of two proportions, two-sided: Fisher's
exact test while a cell of the table would be expected to have fewer than five, else the chi-squared test (which then is
the z-test). Which group is best is known only afterwards, so each p-value is multiplied by the number of all pairs
(Bonferroni). It has won if every such p-value is at most what the wanted confidence leaves.

SciPy is imported when something is decided: it is large, and most processes never decide anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

FEW = 5
"""Below so many expected in a cell the chi-squared test is no good."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of one group: to how many it was sent, and how many of them did what counts."""

    position: int
    sent: int
    hits: int

    @property
    def rate(self) -> float:
        return self.hits / self.sent if self.sent else 0.0


@dataclass(frozen=True, slots=True)
class GroupResult:
    """A group's rate, between what bounds it truly is with the wanted confidence (Wilson's interval), and how probable
    it is that chance alone makes it so much worse than the best one (null for the best one itself)."""

    position: int
    sent: int
    hits: int
    rate: float
    low: float
    high: float
    p_value: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """``winner`` None: none is better with the wanted confidence. ``confidence``: what was reached, 0 to 1."""

    winner: int | None
    confidence: float
    groups: tuple[GroupResult, ...]


def compare_groups(tallies: Sequence[Tally], confidence: float) -> Verdict:
    """What the tallies of two or more groups say, by a confidence between 0 and 1."""
    best = max(tallies, key=lambda one: (one.rate, -one.position))
    pairs = len(list(combinations(tallies, 2)))
    values = {one.position: min(1.0, pairs * p_value(best, one)) for one in tallies if one is not best}
    reached = 1.0 - max(values.values(), default=1.0)
    has_won = bool(values) and all(value <= 1.0 - confidence for value in values.values())
    groups = tuple(_result(one, confidence, values.get(one.position)) for one in tallies)
    return Verdict(best.position if has_won else None, reached, groups)


def p_value(one: Tally, other: Tally) -> float:
    """How probable chance alone makes rates as different as these; 1 where there is nothing to compare."""
    from scipy import stats

    hits, sent = one.hits + other.hits, one.sent + other.sent
    if not one.sent or not other.sent or hits in (0, sent):
        return 1.0
    table = [[one.hits, one.sent - one.hits], [other.hits, other.sent - other.hits]]
    expected = min(one.sent, other.sent) * min(hits, sent - hits) / sent
    if expected < FEW:
        return float(stats.fisher_exact(table).pvalue)
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def _result(one: Tally, confidence: float, value: float | None) -> GroupResult:
    from scipy import stats

    low, high = 0.0, 1.0
    if one.sent:
        interval = stats.binomtest(one.hits, one.sent).proportion_ci(confidence, method="wilson")
        low, high = float(interval.low), float(interval.high)
    return GroupResult(one.position, one.sent, one.hits, one.rate, low, high, value)
