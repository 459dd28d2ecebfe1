"""Filling the variables of ready answers with what is known of a conversation."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.core.access import Scope
from app.core.contact import normalise_locale
from app.core.errors import NotFound
from app.core.ids import public_id
from app.core.tx import Reading
from models import CannedResponse, Conversation, Customer, Identity, Tenant, User, Visitor

VARIABLE = re.compile(r"\{\{([^{}]{1,200})\}\}")
LONGEST_VALUE = 1000
LAST_RESORT = "en"

ALWAYS = re.compile(r"[\\`*\[\]<>&~|!#]|(?<![^\W_])_|_(?![^\W_])")
AT_THE_START = re.compile(r"(?:[-+=]|[0-9]{1,9}(?=[.)]))")


async def render_canned_response(
    reading: Reading, *, canned_response_id: UUID, conversation_id: UUID, language: str | None = None
) -> str:
    """The ready answer as Markdown, with ``{{customer.name}}`` and the like filled in from the conversation.

    Without ``language``, the conversation's, the visitor's or the customer's is taken; where there is no text in it,
    one in a near language (``pt`` for ``pt-BR``), in English, or the first by name. Variables: ``customer.`` with
    ``name``, ``first_name``, ``email``, ``phone``, ``id`` or any attribute; ``agent.`` with ``name``, ``first_name``,
    ``email``; ``conversation.`` with ``id``, ``subject``; ``company.name``. One that is not known is filled with
    nothing, and values never act as Markdown. Raises :class:`NotFound` and :class:`Invalid` at ``language``.
    """
    reading.require(Scope.CONVERSATIONS_READ)
    answer = await _one(reading, CannedResponse, canned_response_id, "canned response", "canned_response_id")
    conversation = await _one(reading, Conversation, conversation_id, "conversation", "conversation_id")
    known = await _Known.of(reading, conversation)
    asked = normalise_locale(language, "language") if language else None
    wanted = [tag for tag in (asked, *known.languages) if tag]
    return fill(answer.texts[choose_language(list(answer.texts), wanted)], known.value)


def choose_language(available: list[str], wanted: list[str]) -> str:
    """Of the ``available`` languages (at least one) the one that is nearest to the first that is ``wanted``."""
    for tag in [*wanted, LAST_RESORT]:
        family = tag.partition("-")[0]
        near = sorted(other for other in available if other.partition("-")[0] == family)
        if near:
            return tag if tag in near else family if family in near else near[0]
    return min(available)


def fill(text: str, value: Callable[[str], Any]) -> str:
    """``text`` with every ``{{name}}`` replaced by the escaped ``value(name)``; what is not known by nothing."""
    return VARIABLE.sub(lambda match: escape_markdown(_as_text(value(match[1].strip()))), text)


def escape_markdown(value: str) -> str:
    """``value`` on one line, so that as Markdown it means its own letters and nothing else."""
    line = " ".join(value.split())
    line = ALWAYS.sub(lambda match: f"\\{match[0]}", line)
    start = AT_THE_START.match(line)
    if start is None:
        return line
    kept = start[0] if start[0].isdigit() else ""
    return f"{kept}\\{line[len(kept) :]}"


def _as_text(value: Any) -> str:
    """Texts, numbers and yes or no; lists and objects have no words for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)[:LONGEST_VALUE] if isinstance(value, str | int | float) else ""


class _Known:
    """What variables can be filled with."""

    def __init__(self, facts: Mapping[str, Mapping[str, Any]], languages: list[str | None]) -> None:
        self._facts = facts
        self.languages = languages

    def value(self, name: str) -> Any:
        """The value of ``customer.name``; None where there is none."""
        noun, _, key = name.partition(".")
        return self._facts.get(noun, {}).get(key.removeprefix("attributes."))

    @classmethod
    async def of(cls, reading: Reading, conversation: Conversation) -> "_Known":
        visitor = await _row(reading, Visitor, conversation.visitor_id)
        customer = await _row(reading, Customer, conversation.customer_id)
        agent_id = reading.principal.id if reading.principal.kind == "member" else conversation.assignee_id
        agent = await _row(reading, User, agent_id)
        tenant = await _row(reading, Tenant, reading.tenant_id)
        facts = {
            "customer": _of_visitor(visitor) | await _of_customer(reading, customer),
            "agent": _with_first_name({"name": agent.name, "email": agent.email}) if agent else {},
            "conversation": {"id": public_id("conversation", conversation.id), "subject": conversation.subject},
            "company": {"name": tenant.name if tenant else ""},
        }
        languages = [conversation.locale, visitor.locale if visitor else None, customer.locale if customer else None]
        return cls(facts, languages)


def _of_visitor(visitor: Visitor | None) -> dict[str, Any]:
    """What somebody says of themselves stands in until it is known who they are."""
    return _with_first_name({"name": visitor.name, "email": visitor.email or ""}) if visitor else {}


async def _of_customer(reading: Reading, customer: Customer | None) -> dict[str, Any]:
    if customer is None:
        return {}
    primary = select(col(Identity.kind), col(Identity.value)).where(
        col(Identity.customer_id) == customer.id, col(Identity.is_primary)
    )
    names: dict[str, str] = dict((await reading.session.execute(primary)).tuples().all())
    facts = dict(customer.attributes) | {kind: names[kind] for kind in ("email", "phone") if kind in names}
    facts |= {"id": names.get("external_id", public_id("customer", customer.id))}
    facts.setdefault("name", " ".join(str(facts[part]) for part in ("first_name", "last_name") if facts.get(part)))
    return {key: value for key, value in _with_first_name(facts).items() if value not in (None, "")}


def _with_first_name(facts: dict[str, Any]) -> dict[str, Any]:
    first = str(facts.get("name") or "").partition(" ")[0]
    return {"first_name": first} | facts


async def _row(reading: Reading, table: Any, key: UUID | None) -> Any:
    return (await reading.session.execute(select(table).where(table.id == key))).scalar_one_or_none()


async def _one(reading: Reading, table: Any, key: UUID, noun: str, field: str) -> Any:
    found = await _row(reading, table, key)
    if found is None:
        raise NotFound(noun, field)
    return found
