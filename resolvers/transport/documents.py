"""Documents that a request names instead of carrying them: automatic persisted queries and trusted documents."""

import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import orjson
from cachetools import LRUCache

from resolvers.protocol import GraphRequest
from resolvers.transport.parameters import Parameters
from resolvers.transport.refusals import Refusal

REMEMBERED_BYTES = 16 * 1024 * 1024
LARGEST_REMEMBERED = 64 * 1024
ENTRY_BYTES = 400
_HASH = re.compile(r"[0-9a-f]{64}\Z")


class Documents:
    """Finds the document of a request.

    Without ``trusted``, clients may register documents by their SHA-256 as Apollo's automatic persisted queries do;
    the least recently used are forgotten. With it (hash to document), no other document is answered.
    """

    def __init__(self, trusted: Mapping[str, str] | None = None) -> None:
        self._trusted = trusted
        self._remembered: LRUCache[str, str] = LRUCache(REMEMBERED_BYTES, getsizeof=_weight)

    @classmethod
    def load(cls, path: Path | None) -> "Documents":
        """The documents of a deployment. Raises :class:`ValueError` when the file is not a map from the SHA-256 of
        each document to the document."""
        if path is None:
            return cls()
        trusted = orjson.loads(path.read_bytes())
        if not isinstance(trusted, dict) or not all(isinstance(text, str) for text in trusted.values()):
            raise ValueError(f"{path} is not a JSON object from SHA-256 to GraphQL document")
        for key, text in trusted.items():
            if _sha256(text) != key:
                raise ValueError(f"{path}: {key} is not the SHA-256 of its document")
        return cls(trusted)

    def request(self, parameters: Parameters) -> GraphRequest:
        """The request with its document. Raises :class:`Refusal`."""
        key = _named(parameters)
        if self._trusted is not None:
            document = self._trusted_document(key, parameters.query)
        elif key is not None:
            document = self._persisted_document(key, parameters.query)
        elif parameters.query is not None:
            document = parameters.query
        else:
            raise Refusal(400, "`query` is missing.")
        return GraphRequest(document, parameters.variables, parameters.operation_name)

    def _trusted_document(self, key: str | None, query: str | None) -> str:
        if query is not None:
            key = _same(key, query)
        if key is None:
            raise Refusal(400, "`documentId` is missing.")
        document = self._trusted.get(key) if self._trusted else None
        if document is None:
            message = "This server answers only documents that its operator has registered."
            raise Refusal(400, message, "UNTRUSTED_DOCUMENT", well_formed=True)
        return document

    def _persisted_document(self, key: str, query: str | None) -> str:
        if query is None:
            document = self._remembered.get(key)
            if document is None:
                raise Refusal(400, "PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND", well_formed=True)
            return document
        _same(key, query)
        if len(query) <= LARGEST_REMEMBERED:
            self._remembered[key] = query
        return query


def _named(parameters: Parameters) -> str | None:
    """The SHA-256 by which a request names its document, if it does."""
    if parameters.document_id is not None:
        return _checked(parameters.document_id.removeprefix("sha256:"), "documentId")
    persisted = parameters.extensions.get("persistedQuery")
    if persisted is None:
        return None
    if not isinstance(persisted, dict) or persisted.get("version") != 1:
        raise Refusal(400, "`extensions.persistedQuery` must have version 1.", "PERSISTED_QUERY_NOT_SUPPORTED")
    return _checked(persisted.get("sha256Hash"), "extensions.persistedQuery.sha256Hash")


def _checked(key: object, name: str) -> str:
    if isinstance(key, str) and _HASH.match(key):
        return key
    raise Refusal(400, f"`{name}` must be the SHA-256 of the document in lower-case hex.")


def _same(key: str | None, query: str) -> str:
    digest = _sha256(query)
    if key is not None and key != digest:
        raise Refusal(400, "The given SHA-256 is not that of the given document.", "PERSISTED_QUERY_HASH_MISMATCH")
    return digest


def _weight(document: str) -> int:
    """Roughly what remembering a document costs, its key and place included."""
    return len(document) + ENTRY_BYTES


def _sha256(text: str) -> str:
    return sha256(text.encode()).hexdigest()
