"""Track API: devices that can be pushed to."""

from typing import Any

from pydantic import ConfigDict, Field

from app.actions import customers
from app.core.access import Scope
from app.rest.customerio.people import addressed
from app.rest.customerio.wire import Text, UnixSeconds, Wire
from app.rest.door import Call, Endpoint

TAG = "Devices"


class Device(Wire):
    """A device. Attributes may stand in ``attributes`` or beside it: clients do both."""

    model_config = ConfigDict(extra="allow")

    id: Text = Field(description="The platform's push token.")
    platform: Text = Field(description="`ios` or `android`.")
    last_used: UnixSeconds | None = None
    attributes: dict[str, Any] | None = Field(None, description="Left out: they stay as they are.")

    @property
    def all_attributes(self) -> dict[str, Any] | None:
        """The attributes from both places; None when neither has any."""
        beside = self.model_extra or None
        return beside if self.attributes is None else {**(beside or {}), **self.attributes}


class DeviceBody(Wire):
    device: Device


async def add_device(call: Call[DeviceBody, None]) -> None:
    device = call.body.device
    async with call.write() as tx:
        await customers.save_device(
            tx,
            customer=addressed(call.path),
            token=device.id,
            platform=device.platform,
            attributes=device.all_attributes,
            last_used_at=device.last_used,
        )


async def delete_device(call: Call[None, None]) -> None:
    async with call.write() as tx:
        await customers.remove_device(tx, customer=addressed(call.path), token=call.path["device_id"])


ENDPOINTS = (
    Endpoint(
        method="PUT",
        path="/api/v1/customers/{identifier}/devices",
        handler=add_device,
        tag=TAG,
        summary="Add or update a person's device",
        scope=Scope.CUSTOMERS_WRITE,
        body=DeviceBody,
        fields={"attributes": "device.attributes"},
    ),
    Endpoint(
        method="DELETE",
        path="/api/v1/customers/{identifier}/devices/{device_id}",
        handler=delete_device,
        tag=TAG,
        summary="Delete a person's device",
        scope=Scope.CUSTOMERS_WRITE,
        fields={"token": "device_id"},
    ),
)
