"""Track API: which region an account is in. This server is the only one there is."""

from app.rest.customerio.wire import Wire
from app.rest.door import Call, Endpoint


class AccountRegion(Wire):
    url: str
    region: str
    environment_id: int


async def account_region(call: Call[None, None]) -> AccountRegion:
    settings = call.runtime.settings
    own_host = settings.door_hosts.get(call.host.partition(":")[0]) == call.principal.source
    tenant_id = call.principal.tenant_id
    return AccountRegion(
        url=f"https://{call.host}" if own_host else f"{settings.base_url}/{call.principal.source}",
        region="us",
        environment_id=tenant_id.int & 0x7FFF_FFFF if tenant_id else 0,
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/v1/accounts/region",
        handler=account_region,
        tag="Account",
        summary="Where this account's requests go",
        response=AccountRegion,
    ),
)
