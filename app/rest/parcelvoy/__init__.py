"""Parcelvoy's secret-key API: lists and users. Facts: ``contracts/parcelvoy.md``."""

from app.rest.door import Dialect
from app.rest.parcelvoy import lists, users, wire

DIALECT = Dialect(
    name="parcelvoy",
    title="Parcelvoy API",
    description=(
        "Lists of users, and users.\n\n"
        'A page is `{"results": […], "nextCursor", "prevCursor", "limit"}`; a refusal '
        '`{"status": "error", "error": "…"}`, of what is not there the plain text `Not Found`.'
    ),
    endpoints=(*lists.ENDPOINTS, *users.ENDPOINTS),
    words=wire.WORDS,
    error_form=wire.error_form,
    error_model=wire.Failure,
    envelope=wire.envelope,
    envelope_model=wire.envelope_model,
    security=wire.SECURITY,
    challenge="Bearer",
    plan=wire.plan,
    limit_headers=wire.limit_headers,
    rename=wire.rename,
    text_statuses=frozenset({404}),
)

__all__ = ["DIALECT"]
