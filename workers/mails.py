"""This server's own mails are sent over the tenant's relay."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.actions.integrations import own_mail
from app.channels import Result
from app.core import logging
from app.core.access import system
from app.runtime import Runtime
from workers.registry import handles

log = logging.logger(__name__)


class NotNow(Exception):
    """The relay did not take the mail, and may later."""


@handles("mails.send")
async def send(runtime: Runtime, payload: Mapping[str, Any], tenant_id: UUID | None) -> None:
    """Sends a mail of the outbox. It stays there, whatever becomes of it. A mail that may have been taken is not sent
    again; one whose worker is lost in this very moment may arrive twice."""
    async with runtime.read(system(tenant_id)) as reading:
        mail = await own_mail(reading, message_id=UUID(hex=payload["message"]))
    if mail is None:
        return
    opened = await runtime.providers.of(mail.tenant_id, "email")
    if opened.provider is None:
        raise NotNow(opened.problem or "there is no relay any more")
    outcome = await opened.provider.send(mail)
    await runtime.providers.note(mail.tenant_id, opened, [outcome])
    if outcome.result is Result.DEFERRED:
        raise NotNow(f"{outcome.code}: {outcome.detail}")
    if outcome.result is not Result.ACCEPTED:
        log.warning("a mail was not sent", result=outcome.result.value, code=outcome.code, detail=outcome.detail)
