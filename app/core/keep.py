"""The value of an argument that nobody gave, where None means something."""

from enum import Enum
from typing import Final


class Keep(Enum):
    """Says that something that may be set to None is to stay as it is."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP
