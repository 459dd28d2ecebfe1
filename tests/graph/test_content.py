"""What is said, in the graph: what the mutations do and refuse, and how a content looks before it is sent."""

from typing import Any

from app.core.access import Scope
from tests.graph.callers import Caller, everything_stored
from tests.graph.content import CONTENT, make_words, unknown_words
from tests.graph.test_mutations import mutate, written

PREVIEW = """query($id: ID, $draft: ContentDraftInput, $as: CustomerRefInput) {
  previewContent(contentId: $id, draft: $draft, customer: $as, data: {order: 7}) {
    message { subject body plain fromAddress headers { name value } fields }
    links warnings { code path line } missing
  }
}"""


async def test_whoever_may_not_is_refused_and_leaves_no_trace(owner: Caller, stranger: Caller) -> None:
    words, nothing = await make_words(owner), unknown_words()
    before = await everything_stored(owner.house)
    reader = owner.key(Scope.CAMPAIGNS_READ)
    for name, mutation in CONTENT.items():
        text, input = written(name, mutation.payload), mutation.input(words)
        assert (await owner.nobody.refusal(text, input=input))["code"] == "UNAUTHENTICATED", name
        assert (await reader.refusal(text, input=input))["code"] == "FORBIDDEN", name
        if mutation.refused_at is not None:
            for somebody, given in ((owner, mutation.input(nothing)), (stranger, input)):
                found = await somebody.refusal(text, input=given)
                assert (found["code"], found["field"]) == ("NOT_FOUND", f"input.{mutation.refused_at}"), name
    for name, input, field in (
        ("createLayout", {"name": "x", "body": "<p></p>"}, "input.body"),
        ("setSnippet", {"name": "x", "value": "{{ 1 | foo }}"}, "input.value"),
        ("setContent", {"campaignId": words.campaign, "channel": "SMS", "fields": 3}, "input.fields"),
        (
            "setContent",
            {"campaignId": words.campaign, "channel": "EMAIL", "senderId": words.spare_sender},
            "input.senderId",
        ),
    ):
        found = await owner.refusal(written(name, "__typename"), input=input)
        assert (found["code"], found["field"]) == ("INVALID", field)
    for name, input in (("deleteSender", {"senderId": words.sender}), ("deleteLayout", {"layoutId": words.layout})):
        assert (await owner.refusal(written(name, "__typename"), input=input))["code"] == "CONFLICT"
    assert await everything_stored(owner.house) == before


async def test_what_is_said_is_made_changed_and_deleted(owner: Caller, stranger: Caller) -> None:
    words = await make_words(owner)
    done: dict[str, Any] = {}
    for name, mutation in CONTENT.items():
        done[name] = await mutate(owner, name, mutation.input(words), mutation.payload)
    assert done["createSender"]["sender"] == {"number": 3, "kind": "EMAIL", "address": "new@example.com", "name": ""}
    assert done["setContent"]["content"] == {
        "channel": "EMAIL",
        "language": "de-CH",
        "testGroup": 0,
        "subject": "Hoi",
        "version": 1,
        "sender": None,
        "layout": None,
    }
    changed = done["updateContent"]["content"]
    assert (changed["version"], changed["sender"], changed["layout"]) == (3, {"address": "ada@example.com"}, None)
    found = '{ senders(kind: EMAIL) { address name } layouts { name } snippets(search: "customer") { name } }'
    assert await owner.data(found) == {
        "senders": [{"address": "ada@example.com", "name": "A"}, {"address": "new@example.com", "name": ""}],
        "layouts": [{"name": "L"}, {"name": "N"}],
        "snippets": [{"name": "new"}],
    }
    assert await stranger.data(found) == {"senders": [], "layouts": [], "snippets": []}
    assert await owner.data("query($id: ID!) { content(id: $id) { id } }", id=words.content) == {"content": None}


async def test_a_content_is_shown_as_somebody_would_get_it(owner: Caller, stranger: Caller) -> None:
    words = await make_words(owner)
    shown = await owner.data(PREVIEW, **{"id": words.content, "as": {"id": words.customer}})
    href = f"https://x.example/{words.customer}"
    assert shown["previewContent"] == {
        "message": {
            "subject": "Hi",
            "plain": f"Hi pro, look ({href})",
            "fromAddress": "Ada <ada@example.com>",
            "body": f'<main><p>Hi pro, <a href="{href}">look</a></p></main>',
            "headers": [],
            "fields": {},
        },
        "links": ["https://x.example/{{ customer.id }}"],
        "warnings": [],
        "missing": [],
    }
    draft = {"body": "{{ name }} {{ trigger.order }} {{ customer.pet }}", "channel": "SMS"}
    shown = (await owner.data(PREVIEW, draft=draft))["previewContent"]
    assert shown["message"]["body"] == " 7 "
    assert shown["warnings"] == [{"code": "unknown_name", "path": "body", "line": 1}]
    assert shown["missing"] == ["name", "customer.pet"]
    broken = await owner.error(PREVIEW, id=words.content, draft={"body": "a\n{{ 1 | foo }}"})
    assert broken["extensions"]["issues"] == [{"field": "body", "message": "line 2: unknown filter 'foo'"}]
    assert (await stranger.refusal(PREVIEW, id=words.content))["code"] == "NOT_FOUND"
    given = 'query($it: JSON) { previewContent(draft: {body: "x", channel: SMS}, data: {}, event: $it) { links } }'
    for it in ("text", [1], 5):
        assert await owner.refusal(given, it=it) == {"code": "INVALID", "field": "event"}
    one = 'previewContent(draft: {body: "x", channel: SMS}) { links }'
    several = " ".join(f"p{n}: {one}" for n in range(5))
    assert len(await owner.data(f"{{ {several} }}")) == 5
    assert await owner.refusal(f"{{ {several} {one} }}") == {"code": "INVALID", "field": "operation"}

    issues = "query($id: ID!) { contentIssues(campaignId: $id) { path message } }"
    assert await owner.data(issues, id=words.campaign) == {"contentIssues": []}
    await mutate(owner, "updateContent", {"contentId": words.content, "subject": ""}, "__typename")
    [issue] = (await owner.data(issues, id=words.campaign))["contentIssues"]
    assert issue["message"] == "is missing"
