"""What a request should not hold, written as JSON text (some of it is none), and how to put it into a good request."""

import orjson

NASTY = (
    # texts
    b'""', b'" "', b'"\\u0000"', b'"a\\u0000b"', b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\uffff"', b'"\\u202e\\u0007"',
    '"😀"'.encode(), '"İßﬁ"'.encode(), b'"' + b"x" * 400 + b'"', b'"' + b"x" * 100_000 + b'"', b'"%"', b'"../.."',
    b'"\\r\\nX-Evil: 1"', b'"\xff\xfe"', b'"\xed\xa0\x80"', b'"NaN"', b'"null"', b'"0x10"', b'"1_0"',
    '"٣"'.encode(), b'" 5 "', b'"a@b"', '"é@exämple.com"'.encode(), b'"a@b.c\\n"',
    b'"+1"', b'"+00000000000000000000000"',
    # numbers
    b"0", b"-1", b"1.5", b"1e18", b"1e-400", b"1e400", b"-1e400", b"9223372036854775807", b"9223372036854775808",
    b"-9223372036854775809", b"18446744073709551616", b"1" + b"0" * 400, b"NaN", b"Infinity", b"-0", b"01", b"1e",
    # other kinds
    b"null", b"true", b"false", b"{}", b"[]", b"[[]]", b'[""]', b'{"":""}', b'{"a":1,"a":2}', b'{"\\u0000":1}',
    b'{"\\ud800":1}', b'{"__proto__":{"a":1}}', b'{"a":' * 60 + b"1" + b"}" * 60, b"[" * 200 + b"]" * 200,
    b"[" * 10_000 + b"]" * 10_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b"[" + b"1," * 3_000 + b"1]",
    b'{"a":NaN}', b'{"a":9223372036854775808}', b'{"a":1e308}', b'{"id":"x","email":5,"name":null}',
    # moments
    b'"0000-01-01T00:00:00Z"', b'"0001-01-01T00:00:00+23:59"', b'"9999-12-31T23:59:59-23:59"',
    b'"10000-01-01T00:00:00Z"', b'"2026-02-30T00:00:00Z"', b'"2026-01-01T24:00:00Z"', b'"2026-01-01T00:00:60Z"',
    b'"2026-01-01T00:00:00+24:00"', b'"-0001-01-01T00:00:00Z"', b"253402300800", b"-62135596801", b"1e11", b"8.64e15",
)  # fmt: skip
"""Values of one field."""

BODIES = (
    b'{"batch": [' + b"1," * 300_000 + b"1]}",
    b"", b" ", b"null", b"[]", b"[{}]", b'"x"', b"1", b"true", b"{", b"}", b"{}", b"{}{}", b"{}x", b"\xef\xbb\xbf{}",
    b"\xff\xfe{\x00}\x00", b"\x00", b'{"a"', b"{'a': 1}", b"[" * 10_000, b'{"a":' * 10_000,
    b"[" * 10_000 + b"]" * 10_000,
    b'{"\xff": 1}', b'{"a": "' + b"x" * (1 << 20) + b'"}', b"a=1&b=2", b"<a/>", b'{"query": 5}',
    b'{"query": "{events(since: \\"now\\"){totalCount}}"}',
    '{"query": "{customers(orderBy: \\"İßİ\\"){totalCount}}"}'.encode(), b'{"query": "{"}',
    b'{"query": "{' + b"a{" * 5000 + b'"}', b'{"query": "{a(b:' + b"[" * 5000 + b')}"}',
)  # fmt: skip
"""Whole bodies."""

SEGMENTS = (
    "%00", "a%00b", "%2F", "%2e%2e", "..", ".", "%", "%zz", "%ff", "%ed%a0%80", "%0d%0aX-Evil:%201", "%F0%9F%98%80",
    "x" * 2000, "%20", "+", "*", "a;b=c", "a%3Fb", "-1", "0", "1e400", "null", "cust_", "CIO_1", "cio_", "cio_zz",
    "%C4%B0", "a@b", "%40", "a@b.c%0a", "~", "%7B%7D", "suppress", "events",
)  # fmt: skip
"""Segments of a path."""

QUERIES = (
    "page=0", "page=-1", "page=1000001", "page=99999999999999999999", "page=1.5", "page=NaN", "page=", "page",
    "page=1e3", "pageSize=0", "pageSize=101", "pageSize=-5", "page=1000000&pageSize=100", "page=%00", "search=%00",
    "search=%ff", "search=%ed%a0%80", "search=%25", "search=_", "search=%5C", "search=%C4%B0", "search=" + "x" * 5000,
    "search=", "email=", "email=a%00@b.c", "email=x", "externalId=", "externalId=%00", "externalId=" + "9" * 500,
    "status=", "status=deleted", "status=ACTIVE", "search=a&search=b", "&".join(f"a{n}=1" for n in range(500)),
    "take=0", "take=101", "skip=-1", "skip=2147483648", "segmentId=seg_", "engagementMin=nan", "churnRiskMin=1e999",
    "emailOptIn=maybe", "limit=-1", "limit=-2", "limit=0", "limit=30001", "start=x", "start=" + "0" * 32,
    "start=%D9%A3" * 4, "cursor=x", "cursor=YXQ6OTk5OTk5OTk5", "cursor=YXQ6LTE=", "cursor=%C3%A9", "q=%25", "q=%00",
    "q=" + "x" * 2000, "filter={", "filter=[]", "filter={}", "filter=1e999", "filter=%22%5Cud800%22", "id=5", "id=x",
    "filter=" + "[" * 5000, "filter={%22type%22:%22wrapper%22,%22operator%22:%22xor%22,%22children%22:[{},{}]}",
    'filter={"type":"string","operator":"=","path":"$.a","value":"%5Cud800"}', "direction=up", "sort=name",
    "%", "=", "&&&", "search=%F0%9F%98%80", "page=%D9%A3", "page=+1", "page=1&page=x",
)  # fmt: skip
"""Query strings of a list."""

CONTENT_TYPES = (
    "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json; charset=utf-16",
    "application/json; charset=latin-1", "application/json;;;", "application/jsonx", "é", "*/*", "application/xml",
)  # fmt: skip
"""Content types other than the good one."""

_PLACE = "<nasty>"


def with_each_leaf(body: object) -> list[bytes]:
    """The JSON of ``body`` once for each value in it, itself and containers included, with that value left open."""
    return [orjson.dumps(opened).replace(f'"{_PLACE}"'.encode(), b"%b") for opened in _opened(body)]


def filled(opened: bytes, nasty: bytes) -> bytes:
    """The JSON with its open place filled."""
    before, after = opened.split(b"%b", 1)
    return before + nasty + after


def _opened(value: object) -> list[object]:
    found: list[object] = [_PLACE]
    if isinstance(value, dict):
        for name, inner in value.items():
            found += [{**value, name: opened} for opened in _opened(inner)]
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            found += [[*value[:place], opened, *value[place + 1 :]] for opened in _opened(inner)]
    return found
