"""What campaigns say: senders, layouts, snippets and contents, and how they look before they are sent."""

import asyncio
from dataclasses import replace
from email import message_from_string
from email.policy import default
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from app.actions import content as actions
from app.actions.content.preparing import ReadyContent
from app.actions.customers import CustomerRef
from app.channels.mail.headers import address_header
from app.core.access import Scope
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.ids import new_id, public_id
from models import AuditEntry, Campaign, Content, Layout, Sender, Snippet
from tests.actions.people import People

FRAME = "<html><body>{{ content }}<p>{{ snippets.footer }}</p></body></html>"


async def new_campaign(people: People, *, channels: tuple[str, ...] = ("email",), number: int = 1) -> UUID:
    """A draft."""
    key = new_id()
    async with people.units.write(people.principal) as tx:
        row = {"id": key, "number": number, "name": f"Campaign {number}", "kind": "one_off", "channels": list(channels)}
        row |= {"schedule": {}, "tags": []}
        await tx.insert(Campaign, [row | {"created_at": tx.now, "updated_at": tx.now}])
    return key


async def put(people: People, campaign_id: UUID, body: str = "Hi", **values: Any) -> Content:
    """The content for everybody of the first group, unless said otherwise."""
    place = {name: values.pop(name) for name in ("channel", "test_group", "language") if name in values}
    return await people.do(
        actions.set_content,
        **{"campaign_id": campaign_id, "channel": "email", **place},
        values={"body": body, **values},
    )


async def test_a_sender_is_called_as_it_is_in_any_script_and_is_no_liquid(people: People) -> None:
    name = 'Zoë "Z." Müller {{ x }} {{{ {% if %}'
    zoe = await people.do(actions.create_sender, address="zoe@müller.example", name=name)
    content = await put(people, await new_campaign(people), sender_id=zoe.id, subject="Hi")
    shown = (await people.read(actions.preview_content, content_id=content.id)).message.from_address
    assert shown == '"Zoë \\"Z.\\" Müller {{ x }} {{{ {% if %}" <zoe@müller.example>'
    written = message_from_string(f"{address_header('From', shown)}\n\n", policy=default)["from"].addresses[0]
    assert (written.display_name, written.addr_spec) == (name, "zoe@xn--mller-kva.example")
    plain = await people.do(actions.create_sender, address="zoe@acme.example", name="Zoë Müller")
    assert actions.sender_line(plain) == "Zoë Müller <zoe@acme.example>"


async def test_a_sender_is_there_once_and_stays_while_a_campaign_sends_as_it(people: People, strangers: People) -> None:
    ada = await people.do(actions.create_sender, address="Ada@Example.com", name="Ada\r\nBcc: x")
    assert (ada.number, ada.address, ada.name) == (1, "ada@example.com", "Ada Bcc: x")
    assert actions.sender_line(ada) == '"Ada Bcc: x" <ada@example.com>'
    shop = await people.do(actions.create_sender, kind="phone", address="ACME Shop")
    phone = await people.do(actions.create_sender, kind="phone", address="+41 44 668 18 00")
    assert (shop.address, phone.address, phone.number) == ("ACME Shop", "+41446681800", 3)
    with pytest.raises(Conflict, match="such a sender already"):
        await people.do(actions.create_sender, address="ada@example.com", name="Ada Bcc: x")
    for values in ({"address": "nobody"}, {"kind": "phone", "address": "044 668"}, {"kind": "fax", "address": "1"}):
        with pytest.raises(Invalid):
            await people.do(actions.create_sender, **values)

    campaign = await new_campaign(people)
    await put(people, campaign, sender_id=ada.id)
    with pytest.raises(Invalid, match="a sender with phone cannot send over email"):
        await put(people, campaign, sender_id=phone.id)
    with pytest.raises(Conflict, match=f"used by {public_id('campaign', campaign)}"):
        await people.do(actions.delete_sender, sender_id=ada.id)
    assert [use.number for use in await people.read(actions.sender_uses, sender_id=ada.id)] == [1]
    assert await people.read(actions.list_senders, kind="email") == ([ada], 1)
    for action in (actions.get_sender, actions.sender_uses):
        assert await people.read(action, sender_id=phone.id) in (phone, [])
    with pytest.raises(NotFound):
        await strangers.do(actions.delete_sender, sender_id=phone.id)
    with pytest.raises(NotFound):
        await strangers.do(actions.update_sender, sender_id=ada.id, name="Eve")
    await people.do(actions.update_sender, sender_id=ada.id, name="Ada")
    await people.do(actions.delete_sender, sender_id=phone.id)
    assert sorted(row["name"] for row in await people.rows(Sender)) == ["", "Ada"]
    assert [row["action"] for row in await people.rows(AuditEntry) if row["action"].startswith("sender.")] == [
        *["sender.create"] * 3,
        "sender.update",
        "sender.delete",
    ]


async def test_what_is_in_use_is_not_deleted(people: People, strangers: People) -> None:
    footer = await people.do(actions.create_snippet, name=" footer ", value="Bye {{ snippets.name }}")
    name = await people.do(actions.set_snippet, name="name", value="{{ customer.plan }}")
    layout = await people.do(actions.create_layout, name="Frame", body=FRAME)
    with pytest.raises(Conflict, match="the layout 'Frame'"):
        await people.do(actions.delete_snippet, snippet_id=footer.id)
    with pytest.raises(Conflict, match="the snippet 'footer'"):
        await people.do(actions.delete_snippet, snippet_id=name.id)
    with pytest.raises(Conflict, match="There is a snippet 'footer' already"):
        await people.do(actions.create_snippet, name="footer", value="x")
    with pytest.raises(Invalid, match="would have itself in it"):
        await people.do(actions.set_snippet, name="name", value="{{ snippets['footer'] }}")
    with pytest.raises(Invalid, match="value: line 2: unknown filter 'foo'"):
        await people.do(actions.set_snippet, name="new", value="\n{{ 1 | foo }}")
    with pytest.raises(Invalid, match=r"must have \{\{ content \}\} in it once"):
        await people.do(actions.create_layout, name="Other", body="<p></p>")
    with pytest.raises(Conflict):
        await people.do(actions.create_layout, name="Frame", body=FRAME)

    campaign = await new_campaign(people)
    await put(people, campaign, layout_id=layout.id, fields={"cc": "{{ snippets.boss }}"})
    boss = await people.do(actions.set_snippet, name="boss", value="b@example.com")
    for refused, key in (
        (actions.delete_layout, {"layout_id": layout.id}),
        (actions.delete_snippet, {"snippet_id": boss.id}),
    ):
        with pytest.raises(Conflict, match=public_id("campaign", campaign)):
            await people.do(refused, **key)
        with pytest.raises(NotFound):
            await strangers.do(refused, **key)
    async with people.units.write(people.principal) as tx:
        await tx.session.execute(update(Campaign).values(deleted_at=tx.now))
    await people.do(actions.delete_layout, layout_id=layout.id)
    await people.do(actions.delete_snippet, snippet_id=boss.id)
    assert [row["layout_id"] for row in await people.rows(Content)] == [None]
    await people.do(actions.delete_snippet, snippet_id=footer.id)
    assert (await people.rows(Layout), [row["name"] for row in await people.rows(Snippet)]) == ([], ["name"])


async def test_a_campaign_has_one_content_for_each_place(people: People, strangers: People) -> None:
    campaign = await new_campaign(people, channels=("email", "sms"))
    done = await asyncio.gather(*(put(people, campaign, f"Hi {n}", language="pt_br") for n in range(4)))
    assert {row.language for row in done} == {"pt-BR"}
    [row] = await people.rows(Content)
    assert (row["number"], row["version"]) == (1, 4)
    assert (await put(people, campaign, row["body"], language="pt-BR")).version == 4
    other = await put(people, campaign, "Oi", channel="sms", test_group=1)
    assert [one.number for one in await people.read(actions.list_contents, campaign_id=campaign)] == [1, other.number]

    for values, path in (
        ({"subject": "x" * 2001}, "subject"),
        ({"colour": "red"}, "colour"),
        ({"headers": [{"name": "A"}]}, "headers.0"),
        ({"fields": {"a": [float("nan")]}}, "fields.a.0"),
        ({"body": "a\x00"}, "body"),
    ):
        with pytest.raises(Invalid) as refused:
            await put(people, campaign, **values)
        assert refused.value.field == path
    for place in ({"channel": "fax"}, {"test_group": -1}, {"language": "no language"}):
        with pytest.raises(Invalid):
            await put(people, campaign, **place)
    with pytest.raises(NotFound):
        await put(strangers, campaign)
    with pytest.raises(NotFound):
        await put(people, campaign, layout_id=new_id())
    with pytest.raises(Forbidden):
        reader = People(people.units, replace(people.principal, scopes=frozenset({Scope.CAMPAIGNS_READ})))
        await reader.do(actions.delete_content, content_id=other.id)
    assert len(await people.rows(Content)) == 2

    copy = await new_campaign(people, number=2)
    await people.do(actions.copy_contents, from_campaign_id=campaign, to_campaign_id=copy)
    copied = await people.read(actions.list_contents, campaign_id=copy)
    assert [(one.number, one.body, one.version) for one in copied] == [(3, row["body"], 1), (4, "Oi", 1)]
    await people.do(actions.delete_content, content_id=other.id)
    async with people.units.write(people.principal) as tx:
        await tx.session.execute(update(Campaign).values(status="completed"))
    for refused_action, key in ((actions.delete_content, copied[0].id), (actions.delete_content, copied[1].id)):
        with pytest.raises(Conflict):
            await people.do(refused_action, content_id=key)
    with pytest.raises(Conflict, match="The campaign is completed"):
        await put(people, campaign, "late")


async def test_who_writes_over_what_somebody_else_has_just_saved_is_refused(people: People) -> None:
    campaign = await new_campaign(people)
    place: dict[str, Any] = {"campaign_id": campaign, "channel": "email"}
    first = await people.do(actions.set_content, **place, values={"subject": "One"}, expected_version=0)
    await people.do(actions.set_content, **place, values={"subject": "Two"}, expected_version=first.version)
    for old in (0, 1, 3):
        with pytest.raises(Conflict, match="changed meanwhile") as refused:
            await people.do(actions.set_content, **place, values={"subject": "Three"}, expected_version=old)
        assert refused.value.field == "expected_version"
    with pytest.raises(Conflict):
        await people.do(actions.set_content, **place, language="de", values={"subject": "Drei"}, expected_version=1)
    assert [(row["subject"], row["version"]) for row in await people.rows(Content)] == [("Two", 2)]


async def test_a_preview_is_what_a_customer_would_get(people: People) -> None:
    await people.identify(email="ada@example.com", attributes={"plan": "pro"}, locale="de-CH")
    await people.do(actions.set_snippet, name="footer", value="{% unsubscribe_url %}")
    layout = await people.do(actions.create_layout, name="Frame", body=FRAME)
    sender = await people.do(actions.create_sender, address="shop@example.com", name="{{ Shop }}")
    campaign = await new_campaign(people)
    body = "<p>{{ customer.plan }} {{ trigger.order }} {{ customer.pet }}</p><a href='https://x.example'>x</a>"
    content = await put(
        people, campaign, body, layout_id=layout.id, sender_id=sender.id, subject="{{ customer.email }}"
    )
    ada = CustomerRef("email", "ada@example.com")
    seen = await people.read(actions.preview_content, content_id=content.id, customer=ada, data={"order": 7})
    assert seen.message.body == (
        '<html><body><p>pro 7 </p><a href="https://x.example">x</a><p>https://example.invalid/unsubscribe</p></body></html>'
    )
    assert (seen.message.subject, seen.message.from_address) == ("ada@example.com", "{{ Shop }} <shop@example.com>")
    assert (seen.links, seen.warnings, seen.missing) == (("https://x.example",), [], ["customer.pet"])

    draft = {"channel": "sms", "body": "{{ customer.plan | safe }} {{ plan }}"}
    seen = await people.read(actions.preview_content, draft=draft, customer=ada)
    assert seen.message.body == "pro "
    assert [warned.code for warned in seen.warnings] == ["safe_value", "unknown_name"]
    with pytest.raises(Invalid, match="body: line 2: unknown filter 'foo'"):
        await people.read(actions.preview_content, content_id=content.id, draft={"body": "\n{{ 1 | foo }}"})
    with pytest.raises(NotFound):
        await people.read(
            actions.preview_content, content_id=content.id, customer=CustomerRef("email", "b@example.com")
        )
    assert [row["body"] for row in await people.rows(Content)] == [body]


async def test_what_cannot_be_sent_is_said_before_it_is(people: People) -> None:
    await people.identify(email="ada@example.com", attributes={"n": 3})
    campaign = await new_campaign(people, channels=("email", "sms"))
    content = await put(people, campaign, "{{ snippets.none }}", language="de")
    issues = await people.read(actions.check_contents, campaign)
    assert [(issue.path, issue.message) for issue in issues] == [
        ("contents.email.0", "needs a content without a language, for everybody else"),
        ("contents.sms.0", "needs a content without a language, for everybody else"),
        (f"contents.{content.number}.from_address", "is missing: an e-mail comes from somebody"),
        (f"contents.{content.number}.subject", "is missing"),
        (f"contents.{content.number}.body", "line 1: there is no snippet 'none'"),
    ]
    await people.do(actions.set_snippet, name="none", value="{{ customer.n | divided_by: 0 }}")
    await put(people, campaign, "{{ snippets.none }}", from_address="a@example.com", subject="Hi")
    await put(people, campaign, "Hi", channel="sms")
    broken = [issue.message for issue in await people.read(actions.check_contents, campaign)]
    assert "line 1: divided_by: can't divide by 0" in broken[-1]
    await people.do(actions.set_snippet, name="none", value="fine")
    await put(people, campaign, "x", language="de", from_address="Shop", subject="Hi")
    (nobody,) = await people.read(actions.check_contents, campaign)
    assert (nobody.path, nobody.message) == (f"contents.{content.number}.from_address", "is not one address")
    await put(people, campaign, "x", language="de", from_address="a@example.com", subject="Hi")
    assert await people.read(actions.check_contents, campaign) == []


async def test_templates_come_with_all_they_need_and_people_get_their_language(
    people: People, strangers: People
) -> None:
    await people.do(actions.set_snippet, name="footer", value="v1")
    campaign = await new_campaign(people)
    for language in ("", "pt", "pt-BR"):
        await put(people, campaign, f"{language}:{{{{ snippets.footer }}}}", language=language)
    await put(people, campaign, "B", test_group=1)
    before: list[ReadyContent] = await people.read(actions.templates_of, campaign)
    assert [one.compile().render({}).plain for one in before] == [":v1", "pt:v1", "pt-BR:v1", "B"]
    asked = [("pt-BR", 0), ("pt_br", None), ("pt-PT", 0), ("de", 0), (None, 0), ("pt", 1)]
    picked = [actions.pick_content(before, "email", group, locale) for locale, group in asked]
    assert [one and (one.language, one.test_group) for one in picked] == [
        ("pt-BR", 0),
        ("pt-BR", 0),
        ("pt", 0),
        ("", 0),
        ("", 0),
        ("", 1),
    ]
    assert actions.pick_content(before, "sms", 0, "pt") is None
    await people.do(actions.set_snippet, name="footer", value="v2")
    after = await people.read(actions.templates_of, campaign)
    assert [one.compile().render({}).plain for one in after] == [":v2", "pt:v2", "pt-BR:v2", "B"]
    assert [a.recipe == b.recipe for a, b in zip(before, after, strict=True)] == [False, False, False, True]
    with pytest.raises(NotFound):
        await strangers.read(actions.templates_of, campaign)
