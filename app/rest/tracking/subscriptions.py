"""``/t/u/<token>`` and ``/t/p/<token>``: unsubscribing, and choosing what one is told about.

A GET never changes anything: mail servers follow every link. A POST to ``/t/u/…`` unsubscribes at once, from a mail
program (RFC 8058) or by the page's button. The token says whose it is, so no cookie and no session is asked for.
"""

from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from app.actions.consent import Recipient, find_recipient, save_preferences, unsubscribe
from app.core.access import Principal, system
from app.core.errors import Invalid, NotFound
from app.core.ids import parse_id
from app.core.link_tokens import LinkToken, LinkTokens
from app.rest.tracking.bodies import read_body
from app.rest.tracking.pages import asking, choosing, unsubscribed
from app.rest.tracking.words import Words, words_for
from app.runtime import Runtime

LONGEST_FORM = 64_000
SOURCE = "recipient"
"""What is written down as where these answers came from."""


class Subscriptions:
    """What the recipient of a message may say about the next ones."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._tokens = LinkTokens.of(runtime.settings)

    async def unsubscribe(self, request: Request) -> Response:
        """Asks on GET, does it on POST."""
        token = self._token(request)
        recipient = await self._recipient(token)
        words = self._words(request, recipient)
        preferences = f"../p/{request.path_params['token']}"
        if request.method != "POST":
            return asking(words, recipient, preferences)
        await read_body(request, LONGEST_FORM)
        async with self._runtime.write(_ourselves(token)) as tx:
            await unsubscribe(tx, delivery_id=token.delivery_id)
        return unsubscribed(words, recipient, preferences)

    async def choose(self, request: Request) -> Response:
        """Shows the choice on GET, takes it over on POST."""
        token = self._token(request)
        if request.method != "POST":
            recipient = await self._recipient(token)
            return choosing(self._words(request, recipient), recipient)
        form = parse_qs((await read_body(request, LONGEST_FORM)).decode("utf-8", "replace"))
        chosen = set(form.get("topic", ()))
        topics = {parse_id("subscription_topic", key, "shown"): key in chosen for key in form.get("shown", ())}
        async with self._runtime.write(_ourselves(token)) as tx:
            await save_preferences(tx, delivery_id=token.delivery_id, topics=topics, is_reachable="reachable" in form)
        recipient = await self._recipient(token)
        return choosing(self._words(request, recipient), recipient, saved=True)

    async def _recipient(self, token: LinkToken) -> Recipient:
        async with self._runtime.read(system(token.tenant_id)) as reading:
            return await find_recipient(reading, delivery_id=token.delivery_id)

    def _token(self, request: Request) -> LinkToken:
        try:
            token = self._tokens.read(request.path_params["token"])
        except Invalid as wrong:
            raise NotFound("link") from wrong
        if token.kind != "preferences":
            raise NotFound("link")
        return token

    def _words(self, request: Request, recipient: Recipient) -> Words:
        return words_for(recipient.locale, request.headers.get("accept-language", ""))


def _ourselves(token: LinkToken) -> Principal:
    """Our own work for the tenant of the link."""
    return system(token.tenant_id).through(SOURCE)
