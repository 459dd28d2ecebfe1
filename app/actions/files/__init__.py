"""Files: uploaded by agents and visitors, carried by messages, fetched by short-lived links."""

from app.actions.files.attaching import attach
from app.actions.files.links import FileLink, file_links, follow_link, get_file, link_to, may_show
from app.actions.files.removing import KEPT_UNSENT, FileRemoval, nobodys_keys, purge_unsent_files
from app.actions.files.uploading import StoredUpload, save_file, upload, upload_limits

__all__ = [
    "KEPT_UNSENT",
    "FileLink",
    "FileRemoval",
    "StoredUpload",
    "attach",
    "file_links",
    "follow_link",
    "get_file",
    "link_to",
    "may_show",
    "nobodys_keys",
    "purge_unsent_files",
    "save_file",
    "upload",
    "upload_limits",
]
