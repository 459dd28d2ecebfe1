"""Small files of many kinds, each with the bytes by which its format is known, and how they are sent."""

import io
import struct
import zipfile
from collections.abc import AsyncIterator

NUL = b"\0"


def png(width: int = 3, height: int = 2) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header + NUL * 40


def zipped(*names: str, first: bytes = b"") -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        if first:
            archive.writestr("mimetype", first)
        for name in names:
            archive.writestr(name, "content of " + name)
    return written.getvalue()


def jpeg(width: int = 300, height: int = 200) -> bytes:
    start = b"\xff\xd8\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0\1\1\0\0\1\0\1\0\0"
    comment = b"\xff\xfe" + struct.pack(">H", 12) + b"\xff\xc0tricky!!"
    return start + comment + b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + NUL * 20


def webp(kind: bytes, body: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 30) + b"WEBP" + kind + struct.pack("<I", len(body)) + body


def iso_media(brand: bytes, rest: bytes = b"") -> bytes:
    return struct.pack(">I", 24) + b"ftyp" + brand + NUL * 4 + b"mif1" + brand + rest + NUL * 20


PNG = png()
OFFICE = "application/vnd.openxmlformats-officedocument."
TAKEN = {
    "a.png": (PNG, "image/png", (3, 2)),
    "b.jpg": (jpeg(), "image/jpeg", (300, 200)),
    "c.gif": (b"GIF89a" + struct.pack("<HH", 7, 5) + NUL * 20, "image/gif", (7, 5)),
    "d.webp": (webp(b"VP8X", NUL * 4 + b"\x08\0\0" + b"\x06\0\0"), "image/webp", (9, 7)),
    "e.webp": (webp(b"VP8L", b"\x2f" + struct.pack("<I", 8 | 6 << 14) + NUL * 8), "image/webp", (9, 7)),
    "f.webp": (webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 9, 7) + NUL * 8), "image/webp", (9, 7)),
    "g.avif": (iso_media(b"avif", b"ispe" + struct.pack(">III", 0, 11, 12)), "image/avif", (11, 12)),
    "h.bmp": (
        b"BM" + struct.pack("<IHHIIiiHH", 60, 0, 0, 54, 40, 4, -3, 1, 24) + NUL * 20,
        "image/bmp",
        (4, 3),
    ),
    "i.heic": (iso_media(b"heic"), "image/heif", None),
    "j.tiff": (b"II*\0\x08\0\0\0" + NUL * 30, "image/tiff", None),
    "k.pdf": (b"%PDF-1.7\n1 0 obj", "application/pdf", None),
    "l.docx": (
        zipped("[Content_Types].xml", "_rels/.rels", "word/document.xml"),
        OFFICE + "wordprocessingml.document",
        None,
    ),
    "m.xlsx": (zipped("[Content_Types].xml", "xl/workbook.xml"), OFFICE + "spreadsheetml.sheet", None),
    "n.pptx": (zipped("[Content_Types].xml", "ppt/presentation.xml"), OFFICE + "presentationml.presentation", None),
    "o.odt": (
        zipped("content.xml", first=b"application/vnd.oasis.opendocument.text"),
        "application/vnd.oasis.opendocument.text",
        None,
    ),
    "p.zip": (zipped("word/x.txt"), "application/zip", None),
    "q.doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + NUL * 600, "application/msword", None),
    "r.rtf": (rb"{\rtf1\ansi hello}", "application/rtf", None),
    "s.txt": ("Grüße, 你好\n".encode(), "text/plain", None),
    "t.csv": ("a;b\r\nä;1\r\n".encode("cp1252"), "text/csv", None),
    "u.txt": ("\ufeffUTF-16, as Windows writes it\r\n".encode("utf-16-le"), "text/plain", None),
    "v.json": (b'{"a": 1}', "text/plain", None),
    "w.txt": (b"BMW and GIF89a are only words here", "text/plain", None),
    "x.mp3": (b"ID3\x03\0\0\0\0\0\0" + NUL * 20, "audio/mpeg", None),
    "y.mp4": (struct.pack(">I", 24) + b"ftypisom\0\0\2\0isomiso2" + NUL * 20, "video/mp4", None),
    "z.webm": (b"\x1aE\xdf\xa3\x9fB\x86\x81\1B\xf7\x81\1B\x82\x84webm" + NUL * 9, "video/webm", None),
    "za.ogg": (b"OggS\0\2" + NUL * 30, "audio/ogg", None),
    "zb.wav": (b"RIFF\x24\0\0\0WAVEfmt " + NUL * 20, "audio/wav", None),
    "zc.m4a": (struct.pack(">I", 24) + b"ftypM4A \0\0\2\0isommp42" + NUL * 9, "audio/mp4", None),
    "zd.mov": (struct.pack(">I", 20) + b"ftypqt  \0\0\2\0qt  " + NUL * 9, "video/quicktime", None),
    "ze.gz": (b"\x1f\x8b\x08\0" + NUL * 20, "application/gzip", None),
}
"""By name: the bytes, what they are, and how large a picture is."""

REFUSED = {
    "a.html": b"<!DOCTYPE html><html><script>alert(1)</script></html>",
    "b.png": b"\n\t <html><body onload=alert(1)>",
    "c.jpg": b'\xef\xbb\xbf  <svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "d.svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
    "e.txt": "\ufeff<html><script>alert(1)</script>".encode("utf-16-le"),
    "f.exe": b"MZ\x90\0" + NUL * 100,
    "g.pdf": b"\x7fELF\2\1\1" + NUL * 50,
    "h.swf": b"CWS\x0a" + NUL * 20,
    "i.class": b"\xca\xfe\xba\xbe\0\0\0\x34" + NUL * 20,
    "j.bin": bytes(range(256)),
    "k.msi": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + NUL * 600,
    "l.txt": b"text, and then" + NUL + b"not",
}
"""By name: bytes that nobody may send, whatever they are called."""


async def pieces(content: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    """``content`` as it would arrive."""
    for start in range(0, len(content), size):
        yield content[start : start + size]
