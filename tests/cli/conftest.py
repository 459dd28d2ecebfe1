"""A served Rapport on both databases, one for a module, and a tenant with a key of its own for each test."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from app.core.settings import Settings
from tests.serving import Served

REGISTER = "mutation($input: RegisterInput!) { register(input: $input) { accessToken } }"
UPGRADE = "mutation { updateTenant(input: {plan: ENTERPRISE}) { tenant { plan } } }"
MAKE_KEY = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { key } }"
COUNT = "{ customers(first: 1) { totalCount } events(first: 1) { totalCount } }"


@dataclass(frozen=True, slots=True)
class Customerbase:
    """A tenant of a served Rapport, seen through the graph."""

    url: str
    key: str

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data that the graph answers."""
        return ask(self.url, self.key, query, **variables)

    def counts(self) -> tuple[int, int]:
        """How many customers and how many events there are."""
        data = self.ask(COUNT)
        return data["customers"]["totalCount"], data["events"]["totalCount"]


def ask(url: str, credential: str, query: str, **variables: Any) -> dict[str, Any]:
    """One GraphQL request that must succeed."""
    headers = {"authorization": f"Bearer {credential}"} if credential else {}
    body = {"query": query, "variables": variables}
    answer = httpx2.post(f"{url}/graphql", json=body, headers=headers, trust_env=False, timeout=30).json()
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]
    return data


def register(url: str) -> Customerbase:
    """A new tenant, and a key with every scope."""
    account = {"email": f"{uuid4().hex}@example.com", "password": uuid4().hex, "tenantName": "Acme"}
    token = ask(url, "", REGISTER, input=account)["register"]["accessToken"]
    ask(url, token, UPGRADE)
    scopes = ask(url, token, "{ viewer { scopes } }")["viewer"]["scopes"]
    made = ask(url, token, MAKE_KEY, input={"name": "Loader", "scopes": scopes})
    return Customerbase(url, made["createApiKey"]["key"])


@pytest.fixture(scope="module")
def served(module_settings: Settings) -> Iterator[Served]:
    """A server that is ready."""
    server = Served(module_settings, RAPPORT_RATE_LIMITS="false").start()
    yield server
    server.kill()


@pytest.fixture
def customerbase(served: Served) -> Customerbase:
    """A tenant on that server which no other test knows."""
    return register(served.url)
