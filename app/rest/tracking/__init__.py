"""The door of links in messages: ``/t/…``, for whoever holds a signed token; and ``/callbacks/…`` for providers.

It is served on every host, so that links may stand on a tenant's own.
"""

from starlette.routing import Route, Router
from starlette.types import ASGIApp

from app.rest.tracking.callbacks import Callbacks
from app.rest.tracking.links import Links
from app.rest.tracking.refusals import answering
from app.rest.tracking.subscriptions import Subscriptions
from app.runtime import Runtime

__all__ = ["tracking_app"]


def tracking_app(runtime: Runtime) -> ASGIApp:
    """Answers what is below ``/t`` and ``/callbacks``, by whole paths."""
    links, subscriptions = Links(runtime), Subscriptions(runtime)
    return Router(
        [
            Route("/t/o/{token}.gif", answering(links.open), methods=["GET"]),
            Route("/t/c/{token}", answering(links.follow), methods=["GET"]),
            Route("/t/u/{token}", answering(subscriptions.unsubscribe), methods=["GET", "POST"]),
            Route("/callbacks/{key}", answering(Callbacks(runtime).hear), methods=["POST"]),
            Route("/t/p/{token}", answering(subscriptions.choose), methods=["GET", "POST"]),
        ]
    )
