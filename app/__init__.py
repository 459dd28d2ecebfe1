"""Rapport's application: doors, actions, brains and ground, from the outside in.

On Linux the bundled SQLite of ``pysqlite3`` replaces the system's: those before 3.51.3 can corrupt a write-ahead log
(https://www.sqlite.org/wal.html#walresetbug). This must happen before any driver imports ``sqlite3``.
"""

import contextlib
import sys

with contextlib.suppress(ImportError):
    import pysqlite3

    sys.modules["sqlite3"] = pysqlite3
