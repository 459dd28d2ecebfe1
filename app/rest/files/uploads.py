"""``POST /files``: one file, sent by a member, a key or a visitor."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.actions.files import link_to, upload
from app.core.access import Plan, Principal
from app.core.clock import iso
from app.core.credentials import credential_from_headers
from app.core.errors import Forbidden, Overloaded, RateLimited, Unauthenticated
from app.core.ids import public_id
from app.rest.door.multipart import first_file
from app.rest.door.refusals import MissingCredential
from app.rest.door.serving import STRANGERS
from app.rest.files.refusals import DOOR
from app.runtime import Runtime

AT_ONCE = 4
"""Uploads of one caller."""
UPLOADS = Plan("uploads", 300, 60)


class Uploads:
    """Takes files in. Everything that it needs to know of the caller is asked before the first byte is read."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._under_way: Counter[str] = Counter()

    async def take(self, request: Request) -> Response:
        """The file of a request, as a row."""
        principal = await self._admit(request)
        headers = dict(request.headers)
        with self._turn(principal):
            sent = await first_file(headers, request.receive)
            file = await upload(self._runtime.units, principal, name=sent.name, chunks=sent.chunks)
        link = link_to(self._runtime.services, file)
        document = {
            "id": public_id("file", file.id),
            "name": file.name,
            "size": file.size,
            "mimeType": file.mime_type,
            "width": file.width,
            "height": file.height,
            "createdAt": iso(file.created_at),
            "url": link.url,
            "expiresAt": iso(link.expires_at),
        }
        return JSONResponse(document, 201)

    async def _admit(self, request: Request) -> Principal:
        credential = credential_from_headers(request.headers)
        address = request.client.host if request.client else "unknown"
        try:
            if credential is None:
                raise MissingCredential
            principal = await self._runtime.authenticator.authenticate(credential, DOOR)
        except Unauthenticated:
            await self._charge(f"address:{address}", STRANGERS)
            raise
        await self._charge(principal.caller, UPLOADS)
        if principal.kind == "visitor" and principal.origin != request.headers.get("origin"):
            raise Forbidden("The token was given for another origin.")
        return principal

    async def _charge(self, key: str, plan: Plan) -> None:
        allowance = await self._runtime.limiter.take(key, plan)
        if allowance.refused:
            raise RateLimited(allowance.retry_after)

    @contextmanager
    def _turn(self, principal: Principal) -> Iterator[None]:
        """One of the few uploads that a caller may have at once."""
        caller = principal.caller
        if self._under_way[caller] >= AT_ONCE:
            raise Overloaded("You are uploading too many files at once.")
        self._under_way[caller] += 1
        try:
            yield
        finally:
            self._under_way[caller] -= 1
            self._under_way += Counter()
