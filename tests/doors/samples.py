"""One good request for every endpoint that is served: what the tests of all endpoints have in common."""

from typing import Any

from app.core.access import Scope
from app.rest.crm import DIALECT as CRM
from app.rest.customerio import DIALECT as CUSTOMERIO
from app.rest.parcelvoy import DIALECT as PARCELVOY
from app.rest.silocdp import DIALECT as SILOCDP
from tests.doors import campaign_samples, customerio_samples, silentchat_samples
from tests.doors.sample import Sample


def _silocdp(method: str, path: str, body: Any = None, *scopes: Scope, template: str = "", **more: Any) -> Sample:
    return Sample(SILOCDP, method, f"/api/v1{template or path}", f"/api/v1{path}", body, frozenset(scopes), **more)


def _track(method: str, path: str, body: Any = None, *scopes: Scope, template: str = "", **more: Any) -> Sample:
    return Sample(CUSTOMERIO, method, f"/api{template or path}", f"/api{path}", body, frozenset(scopes), **more)


def _app(method: str, path: str, body: Any = None, *scopes: Scope, template: str = "", **more: Any) -> Sample:
    return Sample(CUSTOMERIO, method, f"/v1{template or path}", f"/v1{path}", body, frozenset(scopes), **more)


def _crm(method: str, path: str, body: Any = None, *scopes: Scope, template: str = "", **more: Any) -> Sample:
    return Sample(CRM, method, f"/api/v1{template or path}", f"/api/v1{path}", body, frozenset(scopes), **more)


def _parcelvoy(path: str, *scopes: Scope) -> Sample:
    return Sample(PARCELVOY, "GET", f"/api/client{path}", f"/api/client{path}", None, frozenset(scopes))


def _entity(action: str, *scopes: Scope, **body: Any) -> Sample:
    document = {"type": "person", "action": action, "identifiers": {"cio_id": "{cio}"}, **body}
    return _track("POST", "/v2/entity", document, *scopes, addresses=True)


READ, WRITE, EVENTS = Scope.CUSTOMERS_READ, Scope.CUSTOMERS_WRITE, Scope.EVENTS_WRITE
SEGMENTS_READ, SEGMENTS_WRITE = Scope.SEGMENTS_READ, Scope.SEGMENTS_WRITE
ON_SEGMENT: dict[str, Any] = {"addresses": True, "noun": "segment"}
ON_TENANT: dict[str, Any] = {"addresses": True, "noun": "tenant"}
SEGMENT, NUMBERED = "/segments/{id}", "/segments/{segment_id}"
RULE = {"attribute": {"name": "plan", "is": {"equals": "pro"}}}
TRIPLE = {"field": "plan", "operator": "eq", "value": "pro"}
CRITERIA = {"combinator": "AND", "rules": [TRIPLE]}
FILTER = {"attribute": {"field": "plan", "operator": "eq", "value": "pro"}}
PASSWORD = "correct horse battery staple"
PERSON, SUBSCRIBER = "/v1/customers/{identifier}", "/subscribers/{id}"

SAMPLES = (
    _silocdp(
        "POST", "/auth/register", {"email": "new@example.com", "password": PASSWORD, "tenantName": "New"}, public=True
    ),
    _silocdp("POST", "/auth/login", {"email": "owner@acme.example", "password": PASSWORD}, public=True),
    _silocdp("POST", "/auth/refresh", {"refreshToken": "x"}, public=True),
    _silocdp("POST", "/auth/revoke", {"refreshToken": "x"}),
    _silocdp("GET", "/auth/me"),
    _silocdp("PUT", "/auth/profile", {"name": "New Name"}),
    _silocdp("PUT", "/auth/change-password", {"currentPassword": "x", "newPassword": PASSWORD}),
    _silocdp("POST", "/auth/forgot-password", {"email": "owner@acme.example"}, public=True),
    _silocdp("POST", "/auth/reset-password", {"token": "x", "newPassword": PASSWORD}, public=True),
    _silocdp("GET", "/subscribers", None, READ),
    _silocdp("GET", "/subscribers/{customer}", None, READ, Scope.EVENTS_READ, template=SUBSCRIBER, addresses=True),
    _silocdp("POST", "/subscribers", {"externalId": "6"}, WRITE),
    _silocdp("PUT", "/subscribers/{customer}", {"locale": "de"}, WRITE, template=SUBSCRIBER, addresses=True),
    _silocdp("DELETE", "/subscribers/{customer}", None, WRITE, template=SUBSCRIBER, addresses=True),
    _silocdp("POST", "/events/track", {"subscriberId": "{customer}", "event": "seen"}, EVENTS, addresses=True),
    _silocdp("POST", "/events/identify", {"subscriberId": "{customer}", "locale": "de"}, WRITE, addresses=True),
    _track("PUT", "/v1/customers/cio_{cio}", {"plan": "pro"}, WRITE, template=PERSON, addresses=True),
    _track("DELETE", "/v1/customers/cio_{cio}", {}, WRITE, template=PERSON, addresses=True),
    _track(
        "POST", "/v1/customers/cio_{cio}/events", {"name": "e"}, EVENTS, template=f"{PERSON}/events", addresses=True
    ),
    _track("POST", "/v1/events", {"name": "seen", "anonymous_id": "browser"}, EVENTS),
    _track(
        "PUT",
        "/v1/customers/cio_{cio}/devices",
        {"device": {"id": "token", "platform": "ios"}},
        WRITE,
        template=f"{PERSON}/devices",
        addresses=True,
    ),
    _track(
        "DELETE",
        "/v1/customers/cio_{cio}/devices/{token}",
        {},
        WRITE,
        template=f"{PERSON}/devices/{{device_id}}",
        addresses=True,
    ),
    _track("POST", "/v1/customers/cio_{cio}/suppress", {}, WRITE, template=f"{PERSON}/suppress", addresses=True),
    _track("POST", "/v1/customers/cio_{cio}/unsuppress", {}, WRITE, template=f"{PERSON}/unsuppress", addresses=True),
    _track(
        "POST",
        "/v1/merge_customers",
        {"primary": {"cio_id": "{cio}"}, "secondary": {"cio_id": "{other}"}},
        WRITE,
        addresses=True,
    ),
    _track("GET", "/v1/accounts/region"),
    _entity("identify", WRITE, attributes={"plan": "pro"}),
    _entity("delete", WRITE),
    _entity("event", EVENTS, name="seen"),
    _entity("page", EVENTS, name="https://example.com"),
    _entity("screen", EVENTS, name="Home"),
    _entity("add_device", WRITE, device={"token": "token", "platform": "ios"}),
    _entity("delete_device", WRITE, device={"token": "{token}"}),
    _entity("suppress", WRITE),
    _entity("unsuppress", WRITE),
    _entity("merge", WRITE, primary={"cio_id": "{cio}"}, secondary={"cio_id": "{other}"}),
    _track(
        "POST", "/v2/batch", {"batch": [{"type": "person", "action": "event", "identifiers": {"id": 5}, "name": "e"}]}
    ),
    _silocdp("GET", "/segments", None, SEGMENTS_READ),
    _silocdp("GET", "/segments/{segment}", None, SEGMENTS_READ, template=SEGMENT, **ON_SEGMENT),
    _silocdp("POST", "/segments", {"name": "Pros", "rules": [RULE]}, SEGMENTS_WRITE),
    _silocdp("PUT", "/segments/{segment}", {"rules": [RULE]}, SEGMENTS_WRITE, template=SEGMENT, **ON_SEGMENT),
    _silocdp("DELETE", "/segments/{segment}", None, SEGMENTS_WRITE, template=SEGMENT, **ON_SEGMENT),
    _app("GET", "/segments", None, SEGMENTS_READ),
    _app("POST", "/segments", {"segment": {"name": "By hand", "description": "Some"}}, SEGMENTS_WRITE, SEGMENTS_READ),
    _app("GET", "/segments/{number}", None, SEGMENTS_READ, template=NUMBERED, **ON_SEGMENT),
    _app("DELETE", "/segments/{number}", None, SEGMENTS_WRITE, SEGMENTS_READ, template=NUMBERED, **ON_SEGMENT),
    _app(
        "GET",
        "/segments/{number}/customer_count",
        None,
        SEGMENTS_READ,
        template=f"{NUMBERED}/customer_count",
        **ON_SEGMENT,
    ),
    _app(
        "GET",
        "/segments/{number}/membership",
        None,
        SEGMENTS_READ,
        READ,
        template=f"{NUMBERED}/membership",
        **ON_SEGMENT,
    ),
    _app(
        "GET",
        "/segments/{number}/used_by",
        None,
        SEGMENTS_READ,
        Scope.CAMPAIGNS_READ,
        template=f"{NUMBERED}/used_by",
        **ON_SEGMENT,
    ),
    _track(
        "POST",
        "/v1/segments/{number}/add_customers?id_type=cio_id",
        {"ids": ["{cio}"]},
        SEGMENTS_WRITE,
        SEGMENTS_READ,
        template=f"/v1{NUMBERED}/add_customers",
        **ON_SEGMENT,
    ),
    _track(
        "POST",
        "/v1/segments/{number}/remove_customers",
        {"ids": ["5"]},
        SEGMENTS_WRITE,
        SEGMENTS_READ,
        template=f"/v1{NUMBERED}/remove_customers",
        **ON_SEGMENT,
    ),
    _app("GET", "/customers?email=nobody@example.com", None, READ, template="/customers"),
    _app("POST", "/customers", {"filter": FILTER}, READ),
    _app(
        "GET",
        "/customers/{cio}/attributes?id_type=cio_id",
        None,
        READ,
        template="/customers/{customer_id}/attributes",
        addresses=True,
    ),
    _app("POST", "/customers/attributes", {"ids": ["first 1"]}, READ),
    _crm("GET", "/customers?tenantId={tenant}", None, READ, template="/customers", **ON_TENANT),
    _crm("GET", "/segments?tenantId={tenant}", None, SEGMENTS_READ, template="/segments", **ON_TENANT),
    _crm("GET", "/segments/{segment}", None, SEGMENTS_READ, template=SEGMENT, **ON_SEGMENT),
    _crm("GET", "/segments/{segment}/members", None, SEGMENTS_READ, READ, template=f"{SEGMENT}/members", **ON_SEGMENT),
    _crm(
        "POST",
        "/segments",
        {"tenantId": "{tenant}", "name": "Pros", "type": "DYNAMIC", "criteria": CRITERIA},
        SEGMENTS_WRITE,
        SEGMENTS_READ,
        **ON_TENANT,
    ),
    _crm(
        "PATCH",
        "/segments/{segment}",
        {"criteria": CRITERIA},
        SEGMENTS_WRITE,
        SEGMENTS_READ,
        template=SEGMENT,
        **ON_SEGMENT,
    ),
    _crm("DELETE", "/segments/{segment}", None, SEGMENTS_WRITE, template=SEGMENT, **ON_SEGMENT),
    _crm(
        "POST",
        "/segments/{segment}/refresh",
        None,
        SEGMENTS_WRITE,
        SEGMENTS_READ,
        template=f"{SEGMENT}/refresh",
        **ON_SEGMENT,
    ),
    _crm(
        "POST",
        "/segments/{segment}/sync-to-messaging",
        None,
        SEGMENTS_WRITE,
        SEGMENTS_READ,
        template=f"{SEGMENT}/sync-to-messaging",
        **ON_SEGMENT,
    ),
    _parcelvoy("/lists", SEGMENTS_READ),
    _parcelvoy("/users", READ),
    *campaign_samples.SAMPLES,
    *customerio_samples.SAMPLES,
    *silentchat_samples.SAMPLES,
)
