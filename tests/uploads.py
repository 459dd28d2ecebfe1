"""Small files of every kind, made as their formats have it."""

import struct

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">IIBBBBB", 3, 2, 8, 2, 0, 0, 0) + b"\0" * 4
