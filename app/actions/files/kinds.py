"""What the bytes of an upload are: found in the bytes, never in what the sender calls them.

A kind that is not in the list is refused. HTML, SVG, scripts in markup and programs are not in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import puremagic

from app.actions.files.images import image_size

HEAD_BYTES = 128 << 10
"""How much of a file is looked at."""

OFFICE = "application/vnd.openxmlformats-officedocument."
ODF = "application/vnd.oasis.opendocument."
PLAIN_TEXT = ("txt", "text", "log", "md", "json", "yaml", "yml", "ini", "tsv", "eml", "ics", "vcf", "po", "srt")

EXTENSIONS: Mapping[str, tuple[str, ...]] = {
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    "image/gif": ("gif",),
    "image/webp": ("webp",),
    "image/avif": ("avif",),
    "image/bmp": ("bmp",),
    "image/heif": ("heic", "heif"),
    "image/tiff": ("tiff", "tif"),
    "application/pdf": ("pdf",),
    "application/rtf": ("rtf",),
    "text/plain": PLAIN_TEXT,
    "text/csv": ("csv",),
    f"{OFFICE}wordprocessingml.document": ("docx",),
    f"{OFFICE}spreadsheetml.sheet": ("xlsx",),
    f"{OFFICE}presentationml.presentation": ("pptx",),
    f"{ODF}text": ("odt",),
    f"{ODF}spreadsheet": ("ods",),
    f"{ODF}presentation": ("odp",),
    "application/msword": ("doc",),
    "application/vnd.ms-excel": ("xls",),
    "application/vnd.ms-powerpoint": ("ppt",),
    "application/zip": ("zip",),
    "application/gzip": ("gz", "tgz"),
    "audio/mpeg": ("mp3", "mpga"),
    "audio/mp4": ("m4a",),
    "audio/ogg": ("ogg", "oga", "opus"),
    "audio/wav": ("wav",),
    "audio/flac": ("flac",),
    "video/mp4": ("mp4", "m4v"),
    "video/quicktime": ("mov", "qt"),
    "video/webm": ("webm",),
}
"""Every kind that can be sent, and the endings that its names may have; the first is given to a name with another."""

INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"})
"""Pictures that a browser may show in its place. Everything else is only ever downloaded."""

SAME = {
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/x-flac": "audio/flac",
    "application/ogg": "audio/ogg",
    "application/x-gzip": "application/gzip",
    "image/x-ms-bmp": "image/bmp",
    "image/heic": "image/heif",
}
ARCHIVE = b"PK\x03\x04"
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OLD_OFFICE = {"doc": "application/msword", "xls": "application/vnd.ms-excel", "ppt": "application/vnd.ms-powerpoint"}
NEW_OFFICE = {
    b"word/": f"{OFFICE}wordprocessingml.document",
    b"xl/": f"{OFFICE}spreadsheetml.sheet",
    b"ppt/": f"{OFFICE}presentationml.presentation",
}
MARKED_TEXT = frozenset({"application/pdf", "application/rtf"})
CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f")) + b"\x7f"
BYTE_ORDER = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What a file is: its MIME type, and for a picture how large, in pixels (None where its head does not say)."""

    mime_type: str
    width: int | None = None
    height: int | None = None


def sniff(head: bytes, name: str) -> Sniffed | None:
    """What begins with ``head`` (the first :data:`HEAD_BYTES`, or all of it), or None where that is nothing we take.

    ``name`` only tells apart what the bytes cannot: the old office formats, and CSV from other text.
    """
    mime_type = _mime_type(head, name)
    if mime_type is None or mime_type not in EXTENSIONS:
        return None
    size = image_size(mime_type, head)
    return Sniffed(mime_type, *size) if size else Sniffed(mime_type)


def _mime_type(head: bytes, name: str) -> str | None:
    extension = name.rpartition(".")[2].lower()
    text = _as_text(head)
    if text is not None:
        marked = next((mime for mime in _signatures(head) if mime in MARKED_TEXT), None)
        return marked or _kind_of_text(text, extension)
    if head.startswith(ARCHIVE):
        return _kind_of_archive(head)
    if head.startswith(COMPOUND):
        return OLD_OFFICE.get(extension)
    return next(iter(_signatures(head)), None)


def _signatures(head: bytes) -> list[str]:
    """MIME types by signature, the surest first."""
    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return []
    return [SAME.get(match.mime_type, match.mime_type) for match in found if match.mime_type]


def _as_text(head: bytes) -> bytes | None:
    """The head if it is text (UTF-8 or an 8-bit code page), or recoded to UTF-8 from UTF-16; None if it is not."""
    encoding = BYTE_ORDER.get(head[:2])
    if encoding is not None:
        head = head[2 : len(head) // 2 * 2].decode(encoding, "replace").encode()
    return None if len(head.translate(None, CONTROLS)) < len(head) else head


def _kind_of_text(text: bytes, extension: str) -> str | None:
    """Markup is what begins like a tag: a browser that guessed would take it for HTML or SVG."""
    if text.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return None
    return "text/csv" if extension == "csv" else "text/plain"


def _kind_of_archive(head: bytes) -> str:
    """A zip, or the document that its first entries make it."""
    length = int.from_bytes(head[26:28], "little")
    first, rest = head[30 : 30 + length], head[30 + length :]
    if first == b"mimetype":
        declared = rest[:100].split(ARCHIVE[:2])[0].decode("ascii", "replace")
        return declared if declared in EXTENSIONS else "application/zip"
    names = _entry_names(head)
    if b"[Content_Types].xml" in names or b"_rels/.rels" in names:
        found = [mime for folder, mime in NEW_OFFICE.items() if any(name.startswith(folder) for name in names)]
        return found[0] if found else "application/zip"
    return "application/zip"


def _entry_names(head: bytes) -> list[bytes]:
    """The names of the entries whose headers are in the head."""
    names, at = [], head.find(ARCHIVE)
    while at >= 0:
        length = int.from_bytes(head[at + 26 : at + 28], "little")
        names.append(head[at + 30 : at + 30 + length])
        at = head.find(ARCHIVE, at + 30)
    return names
