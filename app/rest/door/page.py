"""The page on which people read a dialect: HTML made from its OpenAPI document, without a script."""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

Document = Mapping[str, Any]
Row = tuple[str, Document, str]
"""A field's name, its schema and what it is."""

STYLE = """
:root { color-scheme: light dark; --ink: #1c2230; --soft: #5d6675; --line: #dfe3ea; --paper: #fff; --tint: #f5f7fa;
  --get: #1f6feb; --post: #1a7f4b; --put: #9a6700; --delete: #c0352b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #9aa4b2; --line: #2d3440; --paper: #14181f;
  --tint: #1b212b; --get: #6ea8fe; --post: #56c288; --put: #d9a62e; --delete: #f08a80; } }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
.page { display: grid; grid-template-columns: 17rem minmax(0, 1fr); max-width: 82rem; margin: 0 auto; }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 2rem 1rem;
  border-right: 1px solid var(--line); font-size: .875rem; }
nav h2 { margin: 1.25rem 0 .25rem; font-size: .75rem; letter-spacing: .06em; text-transform: uppercase;
  color: var(--soft); }
nav ul { list-style: none; margin: 0; padding: 0; }
nav a { display: block; padding: .2rem .5rem; border-radius: .3rem; color: inherit; text-decoration: none; }
nav a:hover, nav a:focus-visible { background: var(--tint); }
main { padding: 2rem clamp(1rem, 4vw, 3rem) 6rem; }
h1 { margin: 0 0 .5rem; font-size: 1.9rem; line-height: 1.2; }
main > h2 { margin: 3rem 0 1rem; padding-bottom: .4rem; border-bottom: 1px solid var(--line); }
article { margin: 0 0 1.25rem; padding: 1.1rem 1.25rem; border: 1px solid var(--line); border-radius: .6rem; }
article h3 { margin: 0; font: 600 .95rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
article h4 { margin: 1.1rem 0 .4rem; font-size: .8rem; color: var(--soft); }
article p { margin: .35rem 0 0; }
.method { display: inline-block; min-width: 4.2rem; font-weight: 700; }
.GET { color: var(--get); } .POST { color: var(--post); } .PUT, .PATCH { color: var(--put); }
.DELETE { color: var(--delete); }
.soft { color: var(--soft); font-size: .9rem; }
table { width: 100%; border-collapse: collapse; font-size: .875rem; }
th, td { padding: .35rem .6rem .35rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; color: var(--soft); border-top: 0; }
code { font: .9em ui-monospace, monospace; background: var(--tint); padding: .1em .3em; border-radius: .25em; }
@media (max-width: 50rem) { .page { display: block; } nav { position: static; height: auto; border: 0; } }
"""
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
"""What a Content-Security-Policy must name for the page to be styled."""

CODE = re.compile(r"`([^`]+)`")


def reference_page(document: Document) -> str:
    """The whole page for an OpenAPI document."""
    info = document["info"]
    operations = list(_operations(document))
    tags = [tag["name"] for tag in document["tags"]]
    sections = "".join(_section(tag, operations, document) for tag in tags)
    title = escape(info["title"])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f'<body><div class="page"><nav aria-label="Endpoints">{_contents(tags, operations)}</nav>'
        f"<main><h1>{title}</h1>{_paragraphs(info['description'])}"
        f'<p class="soft">Served under <code>{escape(document["servers"][0]["url"])}</code>. For machines: '
        f'<a href="openapi.json">openapi.json</a> (OpenAPI 3.1).</p>'
        f"<h2>Credentials</h2>{_credentials(document)}{sections}</main></div></body></html>"
    )


def _operations(document: Document) -> Iterable[tuple[str, str, Document]]:
    for path, item in document["paths"].items():
        for method in ("get", "post", "put", "patch", "delete"):
            if method in item:
                yield method.upper(), path, item[method]


def _contents(tags: Iterable[str], operations: Iterable[tuple[str, str, Document]]) -> str:
    groups = []
    for tag in tags:
        links = "".join(
            f'<li><a href="#{escape(operation["operationId"])}">{escape(operation["summary"])}</a></li>'
            for _, _, operation in operations
            if tag in operation["tags"]
        )
        groups.append(f"<h2>{escape(tag)}</h2><ul>{links}</ul>")
    return "".join(groups)


def _credentials(document: Document) -> str:
    schemes = document["components"]["securitySchemes"].values()
    return "<ul>" + "".join(f"<li>{_inline(scheme['description'])}</li>" for scheme in schemes) + "</ul>"


def _section(tag: str, operations: Iterable[tuple[str, str, Document]], document: Document) -> str:
    articles = "".join(
        _article(method, path, operation, document)
        for method, path, operation in operations
        if tag in operation["tags"]
    )
    return f"<h2>{escape(tag)}</h2>{articles}"


def _article(method: str, path: str, operation: Document, document: Document) -> str:
    parts = [
        f'<article id="{escape(operation["operationId"])}"><h3><span class="method {method}">{method}</span> '
        f"{escape(path)}</h3><p>{_inline(operation['summary'])}</p>"
    ]
    if operation.get("description"):
        parts.append(f'<p class="soft">{_inline(operation["description"])}</p>')
    if operation.get("parameters"):
        rows = [(_named(p), p["schema"], p.get("description", "")) for p in operation["parameters"]]
        parts.append(f"<h4>Parameters</h4>{_table(rows)}")
    if operation.get("requestBody"):
        parts.append("<h4>Body</h4>" + _schema_table(operation["requestBody"]["content"], document))
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            parts.append(f"<h4>Answer {status}</h4>" + _schema_table(response.get("content", {}), document))
    refusals = [f"<code>{s}</code> {escape(r['description'])}" for s, r in operation["responses"].items() if s > "3"]
    parts.append(f'<h4>Refusals</h4><p class="soft">{"<br>".join(refusals)}</p></article>')
    return "".join(parts)


def _named(parameter: Document) -> str:
    place = "" if parameter["in"] == "query" else f" ({parameter['in']})"
    return f"{parameter['name']}{place}{' *' if parameter.get('required') else ''}"


def _schema_table(content: Document, document: Document) -> str:
    schema = _resolved(next(iter(content.values()))["schema"], document) if content else {}
    items = _resolved(schema.get("items", {}), document)
    rows = list(_rows(items, document, "[].") if items else _rows(schema, document))
    return _table(rows) if rows else '<p class="soft">An empty object.</p>'


def _rows(schema: Document, document: Document, prefix: str = "", depth: int = 0) -> Iterable[Row]:
    """A row per field; an object that stands for one thing is unfolded below its field."""
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        yield prefix + name + (" *" if name in required else ""), field, field.get("description", "")
        inner = _resolved(field.get("items", field), document)
        if inner.get("properties") and depth < 2:
            opened = f"{prefix}{name}{'[]' if 'items' in field else ''}."
            yield from _rows(inner, document, opened, depth + 1)


def _resolved(schema: Document, document: Document) -> Document:
    """The schema itself, behind a reference or as the one alternative to null."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
    if len(choices) == 1:
        schema = choices[0]
    if "$ref" not in schema:
        return schema
    found: Document = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return found


def _table(rows: Iterable[Row]) -> str:
    lines = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(_type(schema))}</td><td>{_inline(about)}</td></tr>"
        for name, schema, about in rows
    )
    return f"<table><thead><tr><th>Field</th><th>Type</th><th></th></tr></thead><tbody>{lines}</tbody></table>"


def _type(schema: Document) -> str:
    if "$ref" in schema:
        return "object"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(choice) for choice in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{_inline(part)}</p>" for part in text.split("\n\n"))


def _inline(text: str) -> str:
    return CODE.sub(r"<code>\1</code>", escape(text))
