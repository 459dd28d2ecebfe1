"""``/callbacks/<key>``: what providers tell of messages they took. Believed only with the provider's own signature."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from app.actions.integrations import open_credentials
from app.actions.tracking import Told, find_callback, record_feedback
from app.channels.callbacks import Callback, Feedback, Unreadable, Unverified, read_callback
from app.core import logging
from app.core.access import system
from app.core.contact import storable
from app.core.errors import Invalid, Overloaded, Unauthenticated
from app.core.sealing import Unsealable
from app.rest.tracking.bodies import read_body
from app.runtime import Runtime

log = logging.logger(__name__)

LONGEST_BODY = 1 << 20
SOURCE = "callback"


class Callbacks:
    """Hears providers. What they tell is answered after it is committed, so that they tell it again otherwise."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def hear(self, request: Request) -> Response:
        """Takes news over. Raises :class:`NotFound`, :class:`Unauthenticated`, :class:`Invalid`, and
        :class:`Overloaded` while the credentials that would verify them cannot be opened."""
        body = await read_body(request, LONGEST_BODY)
        async with self._runtime.read(system()) as reading:
            integration = await find_callback(reading, callback_key=request.path_params["key"])
        settings = self._runtime.settings
        query = f"?{request.url.query}" if request.url.query else ""
        url = f"{settings.base_url}/callbacks/{integration.callback_key}{query}"
        callback = Callback(url, dict(request.headers), body)
        try:
            credentials = open_credentials(settings, integration)
            news = read_callback(integration.kind, integration.settings, credentials, callback)
        except Unsealable as lost:
            log.warning("a callback cannot be verified", integration=integration.id.hex, error=str(lost))
            raise Overloaded("This cannot be verified now. Please tell it again.") from lost
        except Unverified as strange:
            raise Unauthenticated("The request is not signed as it should be.") from strange
        except Unreadable as strange:
            raise Invalid.at("body", str(strange)) from strange
        told = [_told(one) for one in news]
        if told:
            async with self._runtime.write(system(integration.tenant_id).through(SOURCE)) as tx:
                await record_feedback(tx, told)
        return PlainTextResponse("OK")


def _told(news: Feedback) -> Told:
    """What the provider says, as it can be stored: mails that come back hold anything."""
    name, whom = (text and storable(text) for text in (news.provider_message_id, news.recipient))
    return Told(news.fate.value, news.delivery_id, name, storable(news.detail), whom)
