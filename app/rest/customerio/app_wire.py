"""How the Customer.io App API (``/v1/…``) differs from Track: its limit, its refusals and its pages."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import Field

from app.actions.customers import CustomerView
from app.core.access import Plan, Principal, Scope
from app.core.errors import Invalid, NotFound
from app.rest.customerio.wire import Sentence, Wire
from app.rest.door import Endpoint, Handler, Refusal

APP_API = Plan("app api", 600, 10)
"""10 requests a second for each key, whatever the tenant's plan (``customerio.md``, limits)."""


class AppError(Wire):
    detail: str
    status: str


class AppErrors(Wire):
    """Every sentence with the status as text; ``meta`` has the same for the clients that read only that."""

    errors: list[AppError]
    meta: Sentence


def app_errors(refusal: Refusal) -> dict[str, Any]:
    """The form of a refusal that every published client understands."""
    sentences = refusal.sentences
    listed = [{"detail": sentence, "status": str(refusal.status)} for sentence in sentences]
    return {"errors": listed, "meta": {"error": "; ".join(sentences)}}


def app_plan(_: Principal) -> Plan:
    """Everybody's."""
    return APP_API


class PersonIdentifiers(Wire):
    """Every way to name a person; null where they have no such name."""

    email: str | None
    id: str | None
    cio_id: str


class People(Wire):
    """A page of people."""

    identifiers: list[PersonIdentifiers]
    ids: list[str] = Field(description='Their `id`s; "" for people who have none.')
    next: str = Field(description='The `start` of the next page; "" on the last.')


def identifiers_of(view: CustomerView) -> PersonIdentifiers:
    """The names of a person."""
    return PersonIdentifiers(email=view.email, id=view.external_id, cio_id=view.id.hex)


def people(views: list[CustomerView], following: UUID | None) -> dict[str, Any]:
    """The fields of :class:`People`; ``following`` is the last of a page after which there are more."""
    return {
        "identifiers": [identifiers_of(view) for view in views],
        "ids": [view.external_id or "" for view in views],
        "next": following.hex if following is not None else "",
    }


def read_start(start: str) -> UUID | None:
    """After whom a page begins. Raises Invalid for a token that is not ours."""
    if not start:
        return None
    if len(start) != 32 or not start.isascii() or not start.isalnum():
        raise Invalid.at("start", "is not the next of a page")
    try:
        return UUID(start)
    except ValueError:
        raise Invalid.at("start", "is not the next of a page") from None


def number_in(path: Mapping[str, str], name: str, noun: str) -> int:
    """The number that is a path's parameter. Raises NotFound for what cannot be one."""
    text = path[name]
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise NotFound(noun, name)
    return int(text)


def app_endpoint(
    method: str, path: str, handler: Handler[Any, Any], summary: str, tag: str, scope: Scope, **more: Any
) -> Endpoint[Any, Any]:
    """An endpoint of the App API; ``path`` is what follows ``/v1``."""
    usual: dict[str, Any] = {"error_form": app_errors, "error_model": AppErrors, "plan": app_plan}
    return Endpoint(
        method=method, path=f"/v1{path}", handler=handler, tag=tag, summary=summary, scope=scope, **(usual | more)
    )
