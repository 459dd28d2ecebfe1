"""Numbers in rules: whether one passes a test, and at which whole numbers the answer changes."""

from app.segments.rules import Between, Compares, Equals, Number, NumberTest


def passes(test: NumberTest, number: Number) -> bool:
    """Whether ``number`` passes."""
    match test:
        case Equals(value):
            return number == value
        case Between(low, high):
            return low <= number <= high
        case Compares("lessThan", bound):
            return number < bound
        case Compares("atMost", bound):
            return number <= bound
        case Compares("moreThan", bound):
            return number > bound
        case Compares(_, bound):
            return number >= bound


def thresholds(test: NumberTest) -> list[int]:
    """The counts ``n`` for which ``n`` and ``n - 1`` get different answers: going below one of them changes it."""
    match test:
        case Equals(value):
            near = {int(value), int(value) + 1}
        case Between(low, high):
            near = {int(low), int(high) + 1}
        case Compares(_, bound):
            near = {int(bound), int(bound) + 1}
    return sorted(n for n in near if n > 0 and passes(test, n) != passes(test, n - 1))
