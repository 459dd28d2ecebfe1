"""Gates: whether a message may go to a person now, later or never, and why. Pure: facts in, a decision out."""

from app.gates.deciding import Decision, Entry, decide, no_content, no_provider, through
from app.gates.facts import Cap, Facts, Person, QuietHours, Suppressed, Topic
from app.gates.quiet import read_quiet_hours

__all__ = [
    "Cap",
    "Decision",
    "Entry",
    "Facts",
    "Person",
    "QuietHours",
    "Suppressed",
    "Topic",
    "decide",
    "no_content",
    "no_provider",
    "read_quiet_hours",
    "through",
]
