"""What a text sees while it is rendered, and where it is written."""

from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from liquid import BoundTemplate, RenderContext
from liquid.utils import ReadOnlyChainMap

from app.core import clock
from app.templates.filters import METER
from app.templates.words import Tracking, names

OURS = names("customer event trigger message_data delivery snippets")
"""The names that a context has, which are seldom taken by a template for something else."""
MOMENTS = names("now today")
SHORT = 100
"""Texts up to this length are counted with the iteration in which they are written."""


class Moments(Mapping[str, object]):
    """``now`` and ``today``, in UTC."""

    def __contains__(self, name: object) -> bool:
        return name in MOMENTS

    def __getitem__(self, name: str) -> object:
        return clock.now() if name == "now" else clock.now().date()

    def __iter__(self) -> Iterator[str]:
        return iter(MOMENTS)

    def __len__(self) -> int:
        return len(MOMENTS)


MOMENT = Moments()


class Scope(ReadOnlyChainMap):
    """The names that can be seen, those of the innermost loop first."""

    def __getitem__(self, key: str) -> object:
        for mapping in self._maps:
            if key in mapping:
                return mapping[key]
        raise KeyError(key)


class Buffer:
    """What was written."""

    __slots__ = ("append", "parts")

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.append = self.parts.append

    def write(self, text: str) -> int:
        """As a file has it."""
        METER.spend(len(text))
        self.append(text)
        return 0

    def getvalue(self) -> str:
        """All of it."""
        return "".join(self.parts)


class Rendering(RenderContext):
    """The rendering of one text for one person."""

    __slots__ = ("addresses", "shadowed", "tracking")

    tracking: Tracking
    addresses: dict[tuple[int, str], str]
    """What stands for the links of this message, made once though the HTML and the text both have them."""

    def __init__(self, template: BoundTemplate, context: Mapping[str, Any], tracking: Tracking) -> None:
        # As python-liquid's own does it, in a third of the time.
        self.env = template.env
        self.template = template
        self.autoescape = template.env.autoescape
        self.locals = {}
        self.globals = context
        self.counters = {}
        self.scope = Scope(self.locals, context, MOMENT, self.counters)
        self.tag_namespace = {"cycles": {}, "ifchanged": "", "stopindex": {}}
        self.loops = []
        self.disabled_tags = []
        self.parent_context = None
        self.loop_iteration_carry = 1
        self.local_namespace_size_carry = 0
        self._copy_depth = 0
        self.shadowed = False
        self.tracking = tracking
        self.addresses = {}

    def assign(self, key: str, val: Any) -> None:
        """Gives ``val`` a name."""
        if key in OURS:
            self.shadowed = True
        METER.spend(len(val) + SHORT if isinstance(val, str) else SHORT)
        self.locals[key] = val

    def get_buffer(self, buf: TextIO | None = None) -> Any:
        """Where to write."""
        return Buffer()


class Nowhere:
    """What is written here nobody sees."""

    def append(self, _: str) -> None:
        """Forgets it."""

    def write(self, _: str) -> int:
        """Forgets it."""
        return 0


NOWHERE = Nowhere()
