"""Customer.io ``/v1/info``: what others must know of this server."""

from app.core.access import Scope
from app.rest.customerio.app_wire import app_endpoint
from app.rest.customerio.wire import Wire
from app.rest.door import Call


class Addresses(Wire):
    """From where webhooks and mail come; the operator says so in the settings."""

    ip_addresses: list[str]


async def list_ip_addresses(call: Call[None, None]) -> Addresses:
    return Addresses(ip_addresses=call.runtime.settings.egress_addresses)


ENDPOINTS = (
    app_endpoint(
        "GET",
        "/info/ip_addresses",
        list_ip_addresses,
        "List the addresses from which this server calls",
        "Info (App API)",
        Scope.WEBHOOKS_READ,
        response=Addresses,
    ),
)
