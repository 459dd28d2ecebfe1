"""CRM ``/customers``: finding people."""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from app.actions import customers, segments
from app.actions.customers import CustomerView
from app.core.access import Scope
from app.core.errors import Invalid
from app.core.ids import parse_id, public_id
from app.core.tx import Reading
from app.rest.crm.wire import Listed, Tenanted, Window, Wire
from app.rest.door import Call, Endpoint
from app.segments import read_rule

TAG = "Customers"
EVERYBODY = {"createdAt": {"is": {"after": "1000-01-01"}}}
NAMES = ("firstName", "lastName")


class CustomerQuery(Tenanted, Window):
    status: Literal["ACTIVE", "INACTIVE", "MERGED", "DELETED"] = Field(
        "ACTIVE", description="Nobody is `INACTIVE` here, and of the deleted nothing is kept."
    )
    lifecycle_stage: str | None = Field(None, description="The attribute `lifecycleStage` is this.")
    search: str | None = Field(
        None, description="Part of an e-mail address, a phone number, or of `firstName` or `lastName` as it is written."
    )
    segment_id: str | None = Field(None, description="Members of this segment (`seg_…`).")
    engagement_min: float | None = Field(None, description="The attribute `engagementScore` is at least this.")
    churn_risk_min: float | None = Field(None, description="The attribute `churnRiskScore` is at least this.")
    email_opt_in: bool | None = Field(None, description="Whether they have subscribed to e-mail.")

    def conditions(self) -> Iterator[dict[str, Any]]:
        """What is asked of the customers, as our rules."""
        if self.segment_id is not None:
            yield {"segment": {"id": self.segment_id}}
        if self.lifecycle_stage is not None:
            yield _attribute("lifecycleStage", {"equals": self.lifecycle_stage})
        if self.engagement_min is not None:
            yield _attribute("engagementScore", {"atLeast": self.engagement_min})
        if self.churn_risk_min is not None:
            yield _attribute("churnRiskScore", {"atLeast": self.churn_risk_min})
        if self.email_opt_in is not None:
            subscribed = {"consent": {"channel": "email", "is": "subscribed"}}
            yield subscribed if self.email_opt_in else {"not": subscribed}
        if self.search:
            part = {"contains": self.search}
            kinds = [{"identity": {"kind": kind, "is": part}} for kind in ("email", "phone")]
            yield {"or": [*kinds, *(_attribute(name, part) for name in NAMES)]}


class Person(Wire):
    id: str
    email: str | None
    first_name: str | None
    last_name: str | None
    engagement_score: float | None


class Customer(Person):
    status: str
    churn_risk_score: float | None
    last_activity_at: str | None = Field(description="The attribute of this name.")


async def list_customers(call: Call[None, CustomerQuery]) -> Listed[Customer]:
    query = call.query
    query.check_tenant(call.principal)
    async with call.read() as reading:
        if query.segment_id is not None:
            await segments.get_segment(reading, segment_id=parse_id("segment", query.segment_id, "segmentId"))
        conditions = list(query.conditions())
        if query.status == "ACTIVE":
            found, total = await _active(reading, conditions, query)
        elif query.status == "MERGED" and not conditions:
            page = await customers.list_customers(reading, offset=query.skip, limit=query.take, status="merged")
            found, total = list(page.items), page.total
        else:
            found, total = [], 0
    return query.listed([_customer(view) for view in found], total)


async def _active(reading: Reading, conditions: list[dict[str, Any]], window: Window) -> tuple[list[CustomerView], int]:
    """The oldest first."""
    try:
        rule = read_rule({"and": conditions or [EVERYBODY]})
    except Invalid as invalid:
        raise Invalid.at("query", invalid.issues[0].message) from None
    total = await segments.count_customers(reading, rule=rule)
    ids = await segments.find_customers(reading, rule=rule, limit=window.take, offset=window.skip)
    return await customers.get_customers(reading, customer_ids=ids), total


def person(view: CustomerView) -> dict[str, Any]:
    """What every list of people shows of them."""
    return {
        "id": public_id("customer", view.id),
        "email": view.email,
        "first_name": _text(view, "firstName"),
        "last_name": _text(view, "lastName"),
        "engagement_score": _number(view, "engagementScore"),
    }


def _customer(view: CustomerView) -> Customer:
    return Customer(
        **person(view),
        status=view.status.upper(),
        churn_risk_score=_number(view, "churnRiskScore"),
        last_activity_at=_text(view, "lastActivityAt"),
    )


def _attribute(name: str, test: dict[str, Any]) -> dict[str, Any]:
    return {"attribute": {"name": name, "is": test}}


def _text(view: CustomerView, name: str) -> str | None:
    value = view.attributes.get(name)
    return value if isinstance(value, str) else None


def _number(view: CustomerView, name: str) -> float | None:
    value = view.attributes.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/v1/customers",
        handler=list_customers,
        tag=TAG,
        summary="List customers",
        scope=Scope.CUSTOMERS_READ,
        query=CustomerQuery,
        response=Listed[Customer],
        fields={"segment_id": "segmentId"},
    ),
)
