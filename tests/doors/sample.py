"""A good request for one endpoint."""

from dataclasses import dataclass, field
from typing import Any

from app.core.access import Scope
from app.rest.door import Dialect, Endpoint


@dataclass(frozen=True)
class Sample:
    """``path`` and ``body`` may hold ``{customer}`` (a public id), ``{cio}`` (its cio_id), ``{other}`` (the cio_id of
    another customer), ``{token}`` (of the first one's device), ``{segment}`` (the public id of a dynamic segment),
    ``{number}`` (of a static one) and ``{tenant}`` (the public id of the caller's tenant).

    ``addresses``: the request names an existing ``noun`` by an id of ours. ``scopes``: any of them missing is refused.
    """

    dialect: Dialect
    method: str
    template: str
    path: str
    body: Any = None
    scopes: frozenset[Scope] = field(default_factory=frozenset)
    addresses: bool = False
    public: bool = False
    noun: str = "customer"

    @property
    def id(self) -> str:
        action = f" {self.body['action']}" if isinstance(self.body, dict) and "action" in self.body else ""
        return f"{self.dialect.name} {self.method} {self.template}{action}"

    @property
    def endpoint(self) -> Endpoint[Any, Any]:
        """What is declared for it."""
        same = (e for e in self.dialect.endpoints if (e.method, e.path) == (self.method, self.template))
        return next(same)

    def filled(self, **ids: str) -> tuple[str, Any]:
        """The path and the body with real ids."""
        return fill(self.path, ids), fill(self.body, ids)


def fill(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, str):
        for name, text in ids.items():
            value = value.replace("{" + name + "}", text)
        return value
    if isinstance(value, dict):
        return {name: fill(item, ids) for name, item in value.items()}
    return [fill(item, ids) for item in value] if isinstance(value, list) else value
