"""The CRM & Marketing Platform API: segments, their customers, and campaigns. Facts: ``contracts/crm.md``."""

from app.rest.crm import campaigns, customers, segments, wire
from app.rest.door import Dialect

DIALECT = Dialect(
    name="crm",
    title="CRM & Marketing Platform API",
    description=(
        "Customers, the segments that they are in, and campaigns for these.\n\n"
        'A success is `{"data": …}`, of a list with `"meta": {"total", "skip", "take", "hasMore"}`; a '
        'refusal is `{"error": {"code", "message", "requestId"}}`. `tenantId` is your own tenant (`tn_…`). '
        "Fields of a profile for which Rapport has no word of its own, such as `firstName` or `engagementScore`, are "
        "attributes of these names. Unknown fields are ignored.\n\n"
        "1,000 reads and 100 writes a minute for each key, and 10 of what sets a campaign going or stops it. "
        "Every response carries `X-RateLimit-Limit`, "
        "`X-RateLimit-Remaining` and `X-RateLimit-Reset` (unix seconds)."
    ),
    endpoints=(*customers.ENDPOINTS, *segments.ENDPOINTS, *campaigns.ENDPOINTS),
    words=wire.WORDS,
    error_form=wire.error_form,
    error_model=wire.Failure,
    envelope=wire.envelope,
    envelope_model=wire.envelope_model,
    security=wire.SECURITY,
    challenge="Bearer",
    plan=wire.reads,
    limit_headers=wire.limit_headers,
    parameters={
        "id": {
            "description": "A segment (`seg_…`) or a campaign (`cmp_…`).",
            "schema": {"type": "string", "pattern": "^(seg|cmp)_[0-9a-f]{32}$"},
        },
    },
    rename=wire.rename,
)

__all__ = ["DIALECT"]
