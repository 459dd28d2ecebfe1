"""Ready answers: their shortcuts and languages, and how a conversation fills them."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.actions.conversations.canned_responses import (
    create_canned_response,
    delete_canned_response,
    get_canned_response,
    list_canned_responses,
    update_canned_response,
)
from app.actions.conversations.rendering import choose_language, escape_markdown, fill, render_canned_response
from app.core.access import Scope
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, RapportError
from app.core.ids import new_id
from app.core.markup import to_html, to_preview
from models import AuditEntry, CannedResponse, Conversation, Customer, Identity
from tests.actions.people import People
from tests.actions.talking import Office

HELLO = {"en": "Hello", "de": "Hallo"}


async def names(people: People, **which: Any) -> tuple[list[str], int]:
    rows, total = await people.read(list_canned_responses, **which)
    return [row.shortcut for row in rows], total


async def test_answers_are_kept_under_shortcuts(people: People, strangers: People) -> None:
    hello = await people.do(
        create_canned_response, shortcut=" /Grüße ", title=" Greeting ", texts={"EN": "Hi", "pt_br": "Oi"}
    )
    assert (hello.shortcut, hello.title, hello.texts) == ("grüße", "Greeting", {"en": "Hi", "pt-BR": "Oi"})
    assert hello.created_by_id == people.principal.id
    bye = await people.do(create_canned_response, shortcut="bye.2", texts={"en": "100% done_"})
    unnamed = [await people.do(create_canned_response, texts={"en": "Your **order** is on its way!"}) for _ in range(3)]
    assert [one.shortcut for one in unnamed] == ["your-order-is", "your-order-is-2", "your-order-is-3"]
    assert (await people.do(create_canned_response, texts={"en": "!!!"})).shortcut == "answer"

    assert await names(people) == (
        ["answer", "bye.2", "grüße", "your-order-is", "your-order-is-2", "your-order-is-3"],
        6,
    )
    assert await names(people, search="/BYE") == (["bye.2"], 1)
    assert await names(people, search="greet") == (["grüße"], 1)
    assert await names(people, search="_") == ([], 0)
    assert await names(people, limit=2, offset=1) == (["bye.2", "grüße"], 6)
    assert await names(strangers) == ([], 0)

    changed = await people.do(update_canned_response, canned_response_id=bye.id, shortcut="Later", texts=HELLO)
    assert (changed.shortcut, changed.title, changed.texts) == ("later", "", HELLO)
    same = await people.do(update_canned_response, canned_response_id=bye.id, shortcut="later", title="")
    assert same.updated_at == changed.updated_at
    await people.do(delete_canned_response, canned_response_id=hello.id)
    with pytest.raises(NotFound):
        await people.read(get_canned_response, canned_response_id=hello.id)
    noted = [row["action"] for row in await people.rows(AuditEntry)]
    assert noted == ["canned_response.create"] * 6 + ["canned_response.update", "canned_response.delete"]


async def test_wrong_answers_leave_no_trace(people: People, strangers: People) -> None:
    taken = await people.do(create_canned_response, shortcut="taken", texts=HELLO)
    other = await people.do(create_canned_response, shortcut="other", texts=HELLO)
    assert (await strangers.do(create_canned_response, shortcut="taken", texts=HELLO)).shortcut == "taken"
    before = await people.rows(CannedResponse), await people.rows(AuditEntry)

    async def refused(
        kind: type[RapportError], field: str | None, action: Any = create_canned_response, **given: Any
    ) -> None:
        with pytest.raises(kind) as caught:
            await people.do(action, **given)
        assert caught.value.field == field

    await refused(Conflict, "shortcut", shortcut="/TAKEN", texts=HELLO)
    await refused(Conflict, "shortcut", update_canned_response, canned_response_id=other.id, shortcut="taken")
    for shortcut in ("", "/", "two words", "-x", "a/b", "x" * 51, "nul\0"):
        await refused(Invalid, "shortcut", shortcut=shortcut, texts=HELLO)
    await refused(Invalid, "texts", shortcut="x", texts={})
    await refused(Invalid, "texts", shortcut="x", texts={"english": "Hi"})
    await refused(Invalid, "texts.en", shortcut="x", texts={"en": "Hi", "EN": "Ho"})
    await refused(Invalid, "texts.en", shortcut="x", texts={"en": " "})
    await refused(Invalid, "texts.en", shortcut="x", texts={"en": "x" * 10_001})
    await refused(Invalid, "title", shortcut="x", texts=HELLO, title="x" * 201)
    with pytest.raises(NotFound):
        await strangers.do(update_canned_response, canned_response_id=taken.id, title="Mine")
    with pytest.raises(NotFound):
        await strangers.do(delete_canned_response, canned_response_id=taken.id)
    reader = People(people.units, replace(people.principal, scopes=frozenset({Scope.CONVERSATIONS_READ})))
    with pytest.raises(Forbidden):
        await reader.do(create_canned_response, shortcut="x", texts=HELLO)
    assert (await people.rows(CannedResponse), await people.rows(AuditEntry)) == before


async def test_of_two_who_take_one_shortcut_one_is_refused(people: People) -> None:
    made = await asyncio.gather(
        *(people.do(create_canned_response, shortcut="x", texts=HELLO) for _ in range(3)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in made) == ["CannedResponse", "Conflict", "Conflict"]
    made = await asyncio.gather(*(people.do(create_canned_response, texts=HELLO) for _ in range(3)))
    assert sorted(one.shortcut for one in made) == ["hello", "hello-2", "hello-3"]


async def test_a_conversation_fills_an_answer(office: Office, strangers: People) -> None:
    text = (
        "Hi {{customer.first_name}} ({{ customer.name }}, {{customer.email}}, {{customer.plan}}, {{customer.seats}}, "
        "{{customer.vip}}, {{customer.tags}}, {{customer.nothing}}, {{nobody.name}}), {{conversation.subject}} / "
        "{{conversation.id}}. {{agent.first_name}}, {{company.name}} {{ not closed"
    )
    owner = office.owner
    answer = await owner.do(create_canned_response, shortcut="x", texts={"en": text, "de": "Hallo {{customer.name}}!"})
    visitor = await office.visitor("Vera *Bold*", email="vera@claimed.example")
    talk = (await visitor.says("Hello")).conversation.id

    async def filled(language: str | None = None, people: People = owner) -> str:
        named = {"canned_response_id": answer.id, "conversation_id": talk, "language": language}
        return await people.read(render_canned_response, **named)

    assert await filled() == (
        r"Hi Vera (Vera \*Bold\*, vera@claimed.example, , , , , , ),  / "
        f"conv_{talk.hex}. Acme, Acme {{{{ not closed"
    )
    customer_id = await office.customer()
    facts = {
        "first_name": "Ada",
        "last_name": "[x](http://evil)",
        "plan": "<b>",
        "seats": 3.0,
        "vip": True,
        "tags": ["a"],
    }
    async with office.units.write(owner.principal) as tx:
        customer = await tx.session.get(Customer, (office.tenant_id, customer_id))
        conversation = await tx.session.get(Conversation, (office.tenant_id, talk))
        assert customer is not None and conversation is not None
        customer.attributes, customer.locale = facts, "de-AT"
        conversation.customer_id, conversation.subject = customer_id, "Order #1"
        row = {"id": new_id(), "customer_id": customer_id, "kind": "email", "value": "ada@example.com"}
        await tx.insert(Identity, [row | {"is_primary": True, "source": "graph", "created_at": tx.now}])
    assert await filled("en-GB") == (
        r"Hi Ada (Ada \[x\](http://evil), ada@example.com, \<b\>, 3, yes, , , ), Order \#1 / "
        f"conv_{talk.hex}. Acme, Acme {{{{ not closed"
    )
    assert await filled() == r"Hallo Ada \[x\](http://evil)!"
    assert await filled("fr") == r"Hallo Ada \[x\](http://evil)!"
    with pytest.raises(Invalid, match="language"):
        await filled("not a language")
    with pytest.raises(NotFound):
        await filled(people=strangers)
    with pytest.raises(Forbidden):
        await filled(people=visitor)


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (["de"], "de"),
        (["de-AT"], "de"),
        (["pt"], "pt-BR"),
        (["pt-PT"], "pt-BR"),
        (["fr", "de-CH"], "de"),
        (["fr"], "en-US"),
        ([], "en-US"),
        (["zh-Hant-TW"], "zh-Hans"),
    ],
)
def test_the_nearest_language_is_taken(wanted: list[str], chosen: str) -> None:
    assert choose_language(["pt-BR", "en-US", "de", "zh-Hans"], wanted) == chosen


def test_without_english_the_first_language_is_taken() -> None:
    assert choose_language(["nl", "fr"], ["ja"]) == "fr"


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60))
def test_a_value_means_its_own_letters_and_nothing_else(value: str) -> None:
    shown = escape_markdown(value)
    assert to_preview(f"Hi {shown}!", 1000) == " ".join(f"Hi {' '.join(value.split())}!".split())
    html = to_html(f"{shown}\n\nHi {shown}")
    assert "<" not in html.replace("<p>", "").replace("</p>", "") or "://" in value


@given(
    st.sampled_from(
        ["# a", "- a", "1. a", "2) b", "> q", "```", "    x", "***", "===", "![a](http://b)", "<b>x</b>", "a\n\nb"]
    )
)
def test_a_value_begins_nothing(value: str) -> None:
    assert to_html(escape_markdown(value)).count("<") == 2


def test_values_are_not_filled_in_again() -> None:
    values = {"a": "{{b}}", "b": "secret", "customer.Plan name": "Gold"}
    assert fill("{{a}} {{b}} {{c}}", values.get) == "{{b}} secret "
    assert fill("{{ customer.Plan name }} {{}} {{ä-1|x}} { {b} } {{b", values.get) == "Gold {{}}  { {b} } {{b"
