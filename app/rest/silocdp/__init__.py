"""The SiloCDP API: accounts, subscribers, their events, segments, and what is sent to them. Facts:
``contracts/silocdp.md``."""

from app.rest.door import Dialect
from app.rest.silocdp import (
    abtests,
    analytics,
    auth,
    campaigns,
    domains,
    events,
    integrations,
    notifications,
    segments,
    sms,
    subscribers,
    wire,
)

DIALECT = Dialect(
    name="silocdp",
    title="SiloCDP API",
    description=(
        "People, what they do, what is said to them and what comes of it, and the accounts of those who work with "
        "them.\n\n"
        "A notification is a campaign that is sent once over one channel: `/campaigns` shows it too, under the same "
        "id. Shares and rates are numbers from 0 to 1.\n\n"
        'Every success is `{"data": …, "success": true}`, every refusal `{"errors": ["…"], "success": false}`; '
        "each sentence begins with the field it is about. Unknown fields are ignored.\n\n"
        "Every response carries `X-RateLimit-Limit` (requests a minute of your plan), `X-RateLimit-Remaining` (how "
        "many may come at once now) and `X-RateLimit-Reset` (the epoch second at which the whole burst is there again)."
    ),
    endpoints=(
        *auth.ENDPOINTS,
        *subscribers.ENDPOINTS,
        *events.ENDPOINTS,
        *segments.ENDPOINTS,
        *notifications.ENDPOINTS,
        *campaigns.ENDPOINTS,
        *abtests.ENDPOINTS,
        *analytics.ENDPOINTS,
        *sms.ENDPOINTS,
        *integrations.ENDPOINTS,
        *domains.ENDPOINTS,
    ),
    words=wire.WORDS,
    error_form=wire.error_form,
    error_model=wire.Errors,
    envelope=wire.envelope,
    envelope_model=wire.envelope_model,
    security=wire.SECURITY,
    challenge="Bearer",
    plan=wire.plan,
    limit_headers=wire.limit_headers,
    parameters={
        "id": {
            "description": (
                "A subscriber (`cust_…`), segment (`seg_…`), notification or campaign (`cmp_…`), A/B test (`exp_…`), "
                "integration (`int_…`) or domain (`dom_…`)."
            ),
            "schema": {"type": "string", "pattern": "^(cust|seg|cmp|exp|int|dom)_[0-9a-f]{32}$"},
        }
    },
    rename=wire.rename,
)

__all__ = ["DIALECT"]
