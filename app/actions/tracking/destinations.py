"""Where the links of messages lead, on which host they stand, and whose a provider's callback is."""

from sqlalchemy import select
from sqlmodel import col

from app.core.access import Scope
from app.core.errors import NotFound
from app.core.link_tokens import LinkAddresses
from app.core.tx import Reading
from models import Domain, Integration, Link, SendingPolicy


async def tracking_addresses(reading: Reading) -> LinkAddresses:
    """What makes the addresses in a tenant's messages: on the tenant's own host, if the policy names a domain whose
    owner is proved, else on ours."""
    reading.require(Scope.DELIVERIES_READ)
    statement = (
        select(col(Domain.name))
        .join(
            SendingPolicy,
            (col(SendingPolicy.tenant_id) == Domain.tenant_id) & (col(SendingPolicy.tracking_domain_id) == Domain.id),
        )
        .where(
            col(Domain.tenant_id) == reading.tenant_id,
            col(Domain.verified_at).is_not(None),
            col(Domain.tracks_links),
        )
    )
    host = (await reading.session.execute(statement)).scalar_one_or_none()
    return LinkAddresses.of(reading.services.settings, host)


async def link_destination(reading: Reading, *, link_number: int) -> str:
    """Where a link leads whose token does not say it. Raises :class:`NotFound`."""
    reading.require(Scope.DELIVERIES_READ)
    statement = select(col(Link.url)).where(col(Link.number) == link_number)
    url: str | None = (await reading.session.execute(statement)).scalar_one_or_none()
    if url is None:
        raise NotFound("link")
    return url


async def find_callback(reading: Reading, *, callback_key: str) -> Integration:
    """The integration, of whatever tenant, whose provider calls us under this key. Raises :class:`NotFound`."""
    reading.require(Scope.INTEGRATIONS_READ)
    statement = select(Integration).where(
        col(Integration.callback_key) == callback_key, col(Integration.deleted_at).is_(None)
    )
    found: Integration | None = (await reading.session.execute(statement)).scalar_one_or_none()
    if found is None:
        raise NotFound("callback")
    return found
