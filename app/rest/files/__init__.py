"""The door for files: uploads by multipart, downloads by signed links. Pages of any origin may use it, without cookies.

The graph knows files by their ids, and asks here for nothing but their bytes.
"""

from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from app.rest.door.multipart import SentFile, first_file
from app.rest.files.downloads import Downloads
from app.rest.files.refusals import answering
from app.rest.files.uploads import Uploads
from app.runtime import Runtime

__all__ = ["SentFile", "files_app", "first_file"]

PREFLIGHT_S = 7200


def files_app(runtime: Runtime) -> ASGIApp:
    """Answers ``/files`` and what is below it, by their whole paths."""
    routes = [
        Route("/files", answering(Uploads(runtime).take), methods=["POST"]),
        Route("/files/{file_id}/{name}", answering(Downloads(runtime).give), methods=["GET"]),
    ]
    return CORSMiddleware(
        Router(routes),
        allow_origins=["*"],
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type", "x-api-key"],
        expose_headers=["retry-after"],
        max_age=PREFLIGHT_S,
    )
