"""The limits of a rule. A rule beyond one of them is refused by its name; ``docs/segments.md`` lists them."""

from typing import Final

MAX_CONDITIONS: Final = 200
"""Leaves of a rule, the property conditions of its events included."""
MAX_DEPTH: Final = 20
"""Levels of a rule: a single condition has one, a condition in an ``and`` two."""
MAX_VALUES: Final = 1000
"""Values of one ``in``."""
MAX_PATH: Final = 5
"""Names on the way to a nested value."""
MAX_COUNT: Final = 1_000_000
"""The largest number of events that a rule may ask for."""
MAX_RATING: Final = 5
"""The best rating of a conversation; the worst is 1."""
MAX_SPAN_DAYS: Final = 36_500
"""The longest span of time, in days."""
MAX_ANNIVERSARY_DAYS: Final = 364
"""The farthest an anniversary may be looked for, in days."""
MAX_DECIMALS: Final = 6
"""Decimals of a number with which a sum or an average is compared."""
MAX_ISSUES: Final = 50
"""How many things wrong with one rule are told at once."""
