"""Who opened a message or followed a link of it: a person, or a machine that looks at mail on its way. Pure."""

from app.engagement.judging import MANY_LINKS_WITHIN_S, Judgement, Sighting, judge
from app.engagement.tallying import Tally, Touch, many_at_once, tally

__all__ = ["MANY_LINKS_WITHIN_S", "Judgement", "Sighting", "Tally", "Touch", "judge", "many_at_once", "tally"]
