"""The segment brain: a rule language, and what a rule means in SQL. Pure: it opens no connection and reads no clock."""

from app.segments.checking import check_rule
from app.segments.compiling import CUSTOMERS, Compiled, compile_rule, members_of, parameters_of, verdicts_of
from app.segments.depending import Dependency, dependencies, find_circle, in_order, segments_of
from app.segments.explaining import Explained, Verdict, explain_rule
from app.segments.parsing import parse_rule
from app.segments.rules import Rule
from app.segments.writing import to_json

__all__ = [
    "CUSTOMERS",
    "Compiled",
    "Dependency",
    "Explained",
    "Rule",
    "Verdict",
    "check_rule",
    "compile_rule",
    "dependencies",
    "explain_rule",
    "find_circle",
    "in_order",
    "members_of",
    "parameters_of",
    "parse_rule",
    "read_rule",
    "segments_of",
    "to_json",
    "verdicts_of",
]


def read_rule(document: object, path: str = "rule") -> Rule:
    """The rule in a JSON document, fit to be saved and compiled.

    Raises one :class:`app.core.errors.Invalid` that says what is wrong and where (``rule.and.2.attribute.is.between``).
    Whether the segments that it names exist, and whether it closes a circle, is not looked at.
    """
    rule = parse_rule(document, path)
    check_rule(rule, path)
    return rule
