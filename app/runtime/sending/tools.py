"""What every batch works with."""

from dataclasses import dataclass
from datetime import timedelta

from app.core.tx import UnitsOfWork
from app.runtime.providers import Providers
from app.runtime.sending.renderer import Renderer
from app.runtime.sending.templates import Templates
from app.runtime.sending.urgency import Urgency


@dataclass(slots=True)
class Tools:
    """One set per process. ``lease``: how long messages are ours without a word."""

    units: UnitsOfWork
    providers: Providers
    renderer: Renderer
    templates: Templates
    base_url: str
    lease: timedelta
    urgency: Urgency
