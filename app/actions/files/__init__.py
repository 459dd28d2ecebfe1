"""Files: uploaded by agents and visitors, carried by messages, fetched by short-lived links."""

from app.actions.files.attaching import attach
from app.actions.files.links import FileLink, file_links, follow_link, get_file, link_to, may_show
from app.actions.files.uploading import StoredUpload, save_file, upload, upload_limits

__all__ = [
    "FileLink",
    "StoredUpload",
    "attach",
    "file_links",
    "follow_link",
    "get_file",
    "link_to",
    "may_show",
    "save_file",
    "upload",
    "upload_limits",
]
