"""One good request for every endpoint of SiloCDP, the CRM and Parcelvoy about campaigns and what sends them, and what
there must be for them."""

from typing import Any

from app.core.access import Scope
from app.rest.parcelvoy import DIALECT as PARCELVOY
from app.runtime import Runtime
from tests.doors.campaigns import make_campaign
from tests.doors.sample import Sample
from tests.tenants import TenantAccount

READ, WRITE, SEND, METRICS = Scope.CAMPAIGNS_READ, Scope.CAMPAIGNS_WRITE, Scope.CAMPAIGNS_SEND, Scope.METRICS_READ
PEOPLE, EVENTS = Scope.CUSTOMERS_WRITE, Scope.EVENTS_WRITE


def _parcelvoy(method: str, path: str, body: Any = None, *scopes: Scope, template: str = "", **more: Any) -> Sample:
    said = f"/api/client{path}"
    declared = f"/api/client{template or path.partition('?')[0]}"
    return Sample(PARCELVOY, method, declared, said, body, frozenset(scopes), **more)


SAMPLES = (
    _parcelvoy("GET", "/campaigns", None, READ, METRICS),
    _parcelvoy(
        "POST",
        "/campaigns/{welcome}/trigger",
        {"user": {"external_id": "x", "email": "x@example.com"}, "event": {"a": 1}},
        *(READ, SEND, PEOPLE, EVENTS),
        template="/campaigns/{campaignId}/trigger",
        addresses=True,
        noun="campaign",
    ),
    _parcelvoy("POST", "/identify", {"external_id": "x"}, PEOPLE),
    _parcelvoy("POST", "/alias", {"external_id": "x", "anonymous_id": "b"}, PEOPLE),
    _parcelvoy("POST", "/devices", {"external_id": "x", "device_id": "d", "token": "t", "os": "iOS"}, PEOPLE),
    _parcelvoy("POST", "/events", [{"external_id": "x", "name": "seen"}], EVENTS, PEOPLE),
    _parcelvoy("POST", "/segment", [{"type": "track", "userId": "x", "event": "seen"}], EVENTS, PEOPLE),
    _parcelvoy("PATCH", "/users", [{"external_id": "x"}], PEOPLE),
    _parcelvoy("DELETE", "/users?user_id=x&user_id=y", None, PEOPLE),
)


async def make_parcelvoy(runtime: Runtime, tenant: TenantAccount, number: int) -> dict[str, str]:
    """A transactional campaign that is launched; its number."""
    welcome = await make_campaign(runtime, tenant, 100 * number, "transactional")
    return {"welcome": str(welcome.number)}


UNKNOWN = {"welcome": "999999"}
"""The number of nothing."""
