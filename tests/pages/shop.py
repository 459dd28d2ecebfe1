"""A customer's site with the widget on it: another origin, with as strict a policy as a site can have."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from app.pages.widget import FILES

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Roast &amp; Co</title>
<script nonce="n">
window.sc = window.sc || function () {{ (sc.q = sc.q || []).push(arguments); }};
window.heard = [];
for (var name of ["ready", "open", "close", "message", "sent", "unread", "identified", "rated", "error"]) {{
  (function (name) {{ sc("on", name, function (detail) {{
    heard.push([name, detail]);
    document.documentElement.dataset.heard = heard.map(String).join(" ");
  }}); }})(name);
}}
{commands}.forEach(function (command) {{ sc.apply(null, command); }});
</script>
<script async nonce="n" src="{server}/widget.js"{attributes}></script></head>
<body><h1>Coffee</h1><p><a href="?">Next page</a></p></body></html>"""


class Shop:
    """Serves the page, and the widget's modules below ``/js/``. A context manager."""

    def __init__(self, server: str) -> None:
        policy = "; ".join(
            (
                "default-src 'none'",
                "script-src 'self' 'nonce-n'",
                f"connect-src {server} {server.replace('http', 'ws', 1)}",
                f"img-src {server}",
                "require-trusted-types-for 'script'",
            )
        )

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = urlsplit(self.path)
                script = FILES / "js" / Path(asked.path).name
                if asked.path.startswith("/js/") and script.is_file():
                    self._answer(script.read_bytes(), "text/javascript")
                    return
                query = parse_qs(asked.query)
                said = query.get("commands", ["[]"])[0].replace("<", "\\u003c")
                attributes = f' data-widget-key="{quote(query["tag"][0])}"' if "tag" in query else ""
                page = PAGE.format(server=server, commands=said, attributes=attributes)
                self._answer(page.encode(), "text/html")

            def _answer(self, body: bytes, media_type: str) -> None:
                self.send_response(200)
                self.send_header("content-type", media_type)
                self.send_header("content-length", str(len(body)))
                self.send_header("content-security-policy", policy)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://shop.localhost:{self._served.server_port}"

    def page(self, widget_key: str, *commands: list[Any], **options: Any) -> str:
        """The address of a page that starts the widget with these options and says these commands at once."""
        said = [["init", {"widgetKey": widget_key, **options}], *commands]
        return f"{self.origin}/?commands={quote(json.dumps(said))}"

    def page_with_one_tag(self, widget_key: str) -> str:
        """The address of a page on which the script's own tag says which widget it is."""
        return f"{self.origin}/?tag={widget_key}"

    def __enter__(self) -> "Shop":
        threading.Thread(target=self._served.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._served.shutdown()
        self._served.server_close()
