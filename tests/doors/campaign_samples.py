"""One good request for every endpoint of SiloCDP, the CRM and Parcelvoy about campaigns and what sends them, and what
there must be for them."""

from typing import Any

from app.actions.campaigns import EVERYBODY, GroupShare, create_experiment
from app.actions.integrations import create_integration
from app.actions.widgets import add_domain
from app.core.access import Scope
from app.core.ids import public_id
from app.rest.crm import DIALECT as CRM
from app.rest.door import Dialect
from app.rest.parcelvoy import DIALECT as PARCELVOY
from app.rest.silocdp import DIALECT as SILOCDP
from app.runtime import Runtime
from tests.doors.campaigns import make_campaign
from tests.doors.sample import Sample
from tests.tenants import TenantAccount

READ, WRITE, SEND, METRICS = Scope.CAMPAIGNS_READ, Scope.CAMPAIGNS_WRITE, Scope.CAMPAIGNS_SEND, Scope.METRICS_READ
PEOPLE, EVENTS = Scope.CUSTOMERS_WRITE, Scope.EVENTS_WRITE
SEGMENTS, SITES, BUILDS = Scope.SEGMENTS_READ, Scope.WIDGETS_READ, Scope.WIDGETS_WRITE
PROVIDERS, CONNECTS = Scope.INTEGRATIONS_READ, Scope.INTEGRATIONS_WRITE
SHOWN = (READ, METRICS, SEGMENTS)
"""What it takes to see a campaign of the CRM."""


def _parcelvoy(method: str, path: str, body: Any = None, *scopes: Scope, template: str = "", **more: Any) -> Sample:
    said = f"/api/client{path}"
    declared = f"/api/client{template or path.partition('?')[0]}"
    return Sample(PARCELVOY, method, declared, said, body, frozenset(scopes), **more)


def _v1(dialect: Dialect, method: str, path: str, body: Any, *scopes: Scope, **more: Any) -> Sample:
    declared = f"/api/v1{path.partition('?')[0]}"
    return Sample(dialect, method, declared, f"/api/v1{path}", body, frozenset(scopes), **more)


def _silocdp(method: str, path: str, body: Any, *scopes: Scope, **more: Any) -> Sample:
    return _v1(SILOCDP, method, path, body, *scopes, **more)


def _on(dialect: Dialect, method: str, path: str, body: Any, *scopes: Scope, noun: str = "campaign") -> Sample:
    """About something that is named in the path."""
    before, _, rest = path.partition("{")
    declared = f"/api/v1{before}{{id}}{rest.partition('}')[2]}"
    return Sample(dialect, method, declared, f"/api/v1{path}", body, frozenset(scopes), addresses=True, noun=noun)


NOTE = {"name": "News", "channel": "sms", "content": {"body": "Hi"}}
VARIANTS = [{"name": "A", "share": 0.5}, {"name": "B", "share": 0.5}]
NEW = {"tenantId": "{tenant}", "name": "News", "type": "ONE_TIME", "channels": ["EMAIL"]}

SAMPLES = (
    _silocdp("GET", "/notifications", None, READ),
    _silocdp("POST", "/notifications", NOTE, WRITE),
    _on(SILOCDP, "GET", "/notifications/{campaign}", None, READ),
    _on(SILOCDP, "PUT", "/notifications/{campaign}", {"name": "Other"}, WRITE, READ),
    _on(SILOCDP, "POST", "/notifications/{campaign}/send", {}, SEND, READ),
    _on(SILOCDP, "DELETE", "/notifications/{campaign}", None, WRITE, READ),
    _silocdp("GET", "/campaigns", None, READ),
    _silocdp("POST", "/campaigns", {"name": "News", "channels": ["email", "sms"]}, WRITE),
    _on(SILOCDP, "GET", "/campaigns/{campaign}", None, READ),
    _on(SILOCDP, "PUT", "/campaigns/{campaign}", {"name": "Other"}, WRITE, READ),
    _on(SILOCDP, "DELETE", "/campaigns/{campaign}", None, WRITE),
    _silocdp("GET", "/abtests", None, READ),
    _silocdp(
        "POST",
        "/abtests",
        {"campaignId": "{campaign}", "variants": VARIANTS},
        WRITE,
        READ,
        addresses=True,
        noun="campaign",
    ),
    _on(SILOCDP, "GET", "/abtests/{experiment}", None, READ, noun="experiment"),
    _on(SILOCDP, "PUT", "/abtests/{experiment}", {"name": "Other"}, WRITE, READ, noun="experiment"),
    _on(SILOCDP, "DELETE", "/abtests/{experiment}", None, WRITE, noun="experiment"),
    _silocdp("GET", "/analytics/dashboard", None, METRICS, Scope.CUSTOMERS_READ),
    _on(SILOCDP, "GET", "/analytics/notifications/{campaign}", None, METRICS, READ),
    _silocdp("GET", "/analytics/trends", None, METRICS),
    _silocdp("POST", "/sms/send", {"subscriberId": "{customer}", "message": "Hi"}, SEND, addresses=True),
    _silocdp("GET", "/integrations", None, PROVIDERS),
    _silocdp("POST", "/integrations", {"name": "Kept", "type": "outbox", "channel": "sms"}, CONNECTS),
    _on(SILOCDP, "PUT", "/integrations/{integration}", {"name": "x"}, CONNECTS, PROVIDERS, noun="integration"),
    _on(SILOCDP, "DELETE", "/integrations/{integration}", None, CONNECTS, PROVIDERS, noun="integration"),
    _silocdp("GET", "/domains", None, SITES, PROVIDERS),
    _silocdp("POST", "/domains", {"domain": "new.example.com"}, BUILDS, SITES, PROVIDERS),
    _on(SILOCDP, "PUT", "/domains/{site}", {"website": True}, BUILDS, SITES, PROVIDERS, noun="domain"),
    _on(SILOCDP, "DELETE", "/domains/{site}", None, BUILDS, SITES, PROVIDERS, noun="domain"),
    _v1(CRM, "GET", "/campaigns?tenantId={tenant}", None, *SHOWN, addresses=True, noun="tenant"),
    _v1(CRM, "POST", "/campaigns", NEW, WRITE, *SHOWN, addresses=True, noun="tenant"),
    _on(CRM, "GET", "/campaigns/{campaign}", None, *SHOWN),
    _on(CRM, "PATCH", "/campaigns/{campaign}", {"name": "Other"}, WRITE, *SHOWN),
    _on(CRM, "DELETE", "/campaigns/{campaign}", None, WRITE),
    _on(CRM, "POST", "/campaigns/{campaign}/schedule", {}, SEND, *SHOWN),
    _on(CRM, "POST", "/campaigns/{running}/pause", None, SEND, *SHOWN),
    _on(CRM, "POST", "/campaigns/{paused}/resume", None, SEND, *SHOWN),
    _on(CRM, "POST", "/campaigns/{running}/cancel", None, SEND, *SHOWN),
    _on(CRM, "GET", "/campaigns/{campaign}/stats", None, *SHOWN),
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


async def make_silocdp(runtime: Runtime, tenant: TenantAccount, number: int) -> dict[str, str]:
    """A draft that may be launched, an experiment of another one, an integration and a site; their ids."""
    draft, tested = [
        await make_campaign(runtime, tenant, 100 * number + place, "one_off", status="draft", audience=dict(EVERYBODY))
        for place in range(2)
    ]
    async with runtime.write(tenant.principal) as tx:
        groups = [GroupShare("A", 500), GroupShare("B", 500)]
        experiment = await create_experiment(tx, campaign_id=tested.id, groups=groups)
        integration = await create_integration(tx, name="Kept", kind="outbox", channel="email")
        site = await add_domain(tx, name=f"site{number}.example.com")
    return {
        "campaign": public_id("campaign", draft.id),
        "experiment": public_id("experiment", experiment),
        "integration": public_id("integration", integration.id),
        "site": public_id("domain", site.id),
    }


async def make_crm(runtime: Runtime, tenant: TenantAccount, number: int) -> dict[str, str]:
    """A draft that may be launched, a campaign that is sending, and one that is paused; their ids."""
    made = {}
    for place, (name, status) in enumerate((("campaign", "draft"), ("running", "sending"), ("paused", "paused"))):
        at = 100 * number + place
        campaign = await make_campaign(runtime, tenant, at, "one_off", status=status, audience=dict(EVERYBODY))
        made[name] = public_id("campaign", campaign.id)
    return made


UNKNOWN = {"welcome": "999999"}
"""The number of nothing."""
