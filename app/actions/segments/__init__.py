"""Segments: who belongs together, by a rule or by hand, since when and why."""

from app.actions.segments.audiences import Preview, count_customers, find_customers, preview_segment
from app.actions.segments.defining import (
    UsedBy,
    create_segment,
    delete_segment,
    refresh_segment,
    update_segment,
    used_by,
)
from app.actions.segments.enrolling import (
    CsvChanges,
    MemberChanges,
    add_members,
    add_members_from_csv,
    copy_members,
    remove_members,
)
from app.actions.segments.explaining import Explanation, explain_membership
from app.actions.segments.growth import member_count_series
from app.actions.segments.reading import (
    get_segment,
    get_segments,
    list_members,
    list_segments,
    segment_with_number,
    segments_of,
)

__all__ = [
    "CsvChanges",
    "Explanation",
    "MemberChanges",
    "Preview",
    "UsedBy",
    "add_members",
    "add_members_from_csv",
    "copy_members",
    "count_customers",
    "create_segment",
    "delete_segment",
    "explain_membership",
    "find_customers",
    "get_segment",
    "get_segments",
    "list_members",
    "list_segments",
    "member_count_series",
    "preview_segment",
    "refresh_segment",
    "remove_members",
    "segment_with_number",
    "segments_of",
    "update_segment",
    "used_by",
]
