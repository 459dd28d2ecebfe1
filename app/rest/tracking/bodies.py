"""Reading what is posted here, up to a size."""

from starlette.requests import Request

from app.core.errors import Invalid


async def read_body(request: Request, longest: int) -> bytes:
    """The whole body. Raises :class:`Invalid` at ``body`` when it has more than ``longest`` bytes."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > longest:
            raise Invalid.at("body", f"must have at most {longest} bytes")
    return body
