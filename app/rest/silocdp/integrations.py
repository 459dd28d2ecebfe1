"""SiloCDP ``/integrations``: the providers over which messages go. What they are told in secret is never shown."""

from typing import Any

from pydantic import Field, RootModel

from app.actions import integrations
from app.channels.kinds import KINDS
from app.core.access import Scope
from app.core.ids import parse_id, public_id
from app.rest.door import Call, Endpoint
from app.rest.silocdp.notifications import Channel
from app.rest.silocdp.wire import Required, Wire, moment
from models import Integration as IntegrationRow

TAG = "Integrations"
ALL = 1000
FIELDS = {"integration_id": "id", "kind": "type"}


class IntegrationChanges(Wire):
    """What is left out stays as it is. Of settings and credentials each name by itself; null gives a default back."""

    name: Required | None = None
    settings: dict[str, Any] | None = Field(None, description="Of an SMTP relay `host`, `port`, `username` and so on.")
    credentials: dict[str, Any] | None = Field(
        None, description="Passwords and keys. They are encrypted, and cannot be read again."
    )
    is_default: bool | None = Field(None, description="Whether its channel goes over it.")
    is_enabled: bool | None = None


class NewIntegration(IntegrationChanges):
    name: Required
    type: Required = Field(description=f"One of {', '.join(f'`{kind}`' for kind in KINDS)}.")
    channel: Channel | None = Field(None, description="May be left out where the type has one.")
    is_default: bool | None = Field(None, description="Default: if it is the first of its channel.")


class Integration(Wire):
    id: str
    name: str
    type: str
    channel: str
    settings: dict[str, Any]
    has_credentials: bool
    is_default: bool
    is_enabled: bool
    last_error: str | None
    failed_at: str | None
    created_at: str | None
    updated_at: str | None


class Integrations(RootModel[list[Integration]]):
    """All of them, the oldest first."""


async def list_integrations(call: Call[None, None]) -> Integrations:
    async with call.read() as reading:
        page = await integrations.list_integrations(reading, limit=ALL)
    return Integrations([_shown(one) for one in page.items])


async def create_integration(call: Call[NewIntegration, None]) -> Integration:
    body = call.body
    async with call.write() as tx:
        made = await integrations.create_integration(
            tx,
            name=body.name,
            kind=body.type,
            channel=body.channel,
            settings=body.settings,
            credentials=body.credentials,
            is_default=body.is_default,
            is_enabled=body.is_enabled is not False,
        )
        return _shown(made)


async def update_integration(call: Call[IntegrationChanges, None]) -> Integration:
    body = call.body
    async with call.write() as tx:
        changed = await integrations.update_integration(
            tx,
            integration_id=parse_id("integration", call.path["id"]),
            name=body.name,
            settings=body.settings,
            credentials=body.credentials,
            is_default=body.is_default,
            is_enabled=body.is_enabled,
        )
        return _shown(changed)


async def delete_integration(call: Call[None, None]) -> None:
    async with call.write() as tx:
        await integrations.delete_integration(tx, integration_id=parse_id("integration", call.path["id"]))


def _shown(row: IntegrationRow) -> Integration:
    return Integration(
        id=public_id("integration", row.id),
        name=row.name,
        type=row.kind,
        channel=row.channel,
        settings=row.settings,
        has_credentials=row.credentials is not None,
        is_default=row.is_default,
        is_enabled=row.is_enabled,
        last_error=row.last_error,
        failed_at=moment(row.failed_at),
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
    )


ONE = "/api/v1/integrations/{id}"
ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/v1/integrations",
        handler=list_integrations,
        tag=TAG,
        summary="List integrations",
        scope=Scope.INTEGRATIONS_READ,
        response=Integrations,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/integrations",
        handler=create_integration,
        tag=TAG,
        summary="Create an integration",
        scope=Scope.INTEGRATIONS_WRITE,
        body=NewIntegration,
        response=Integration,
        fields=FIELDS,
    ),
    Endpoint(
        method="PUT",
        path=ONE,
        handler=update_integration,
        tag=TAG,
        summary="Update an integration",
        scope=Scope.INTEGRATIONS_WRITE,
        body=IntegrationChanges,
        response=Integration,
        fields=FIELDS,
    ),
    Endpoint(
        method="DELETE",
        path=ONE,
        handler=delete_integration,
        tag=TAG,
        summary="Delete an integration and forget its credentials",
        scope=Scope.INTEGRATIONS_WRITE,
        fields=FIELDS,
    ),
)
