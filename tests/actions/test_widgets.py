"""Widgets and the sites on which they may stand."""

from typing import Any
from uuid import UUID

import pytest

from app.actions.accounts import update_tenant
from app.actions.widgets import (
    add_domain,
    create_widget,
    delete_widget,
    get_widget,
    list_domains,
    list_widgets,
    remove_domain,
    shown_to_visitors,
    texts_for,
    update_widget,
)
from app.actions.widgets.settings import checked_settings, contrast
from app.core.access import Principal, Scope
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, PlanLimitExceeded
from app.core.ids import new_id
from app.core.tx import UnitsOfWork
from models import AuditEntry, Domain, Team, Widget
from tests.actions.people import People
from tests.tenants import TenantAccount

TEXTS = {"en": {"title": "Talk to us", "away": "We are away"}, "de": {"title": "Sprich mit uns"}, "pt-BR": {"a": "b"}}


async def test_a_widget_is_made_changed_and_deleted(people: People, strangers: People) -> None:
    widget = await people.do(create_widget, name=" Help ", settings={"texts": TEXTS, "position": "left"})
    assert (widget.name, widget.team_id, widget.installed_at) == ("Help", None, None)
    assert widget.key.startswith("wk_")
    team_id = await a_team(people)
    changed = await people.do(
        update_widget, widget_id=widget.id, settings={"position": None, "csat": False}, team_id=team_id
    )
    assert (changed.settings["position"], changed.settings["csat"], changed.settings["texts"]) == (
        "right",
        False,
        TEXTS,
    )
    renamed = await people.do(update_widget, widget_id=widget.id, name="Ask")
    assert (renamed.name, renamed.team_id, renamed.settings) == ("Ask", team_id, changed.settings)
    with pytest.raises(NotFound):
        await strangers.do(update_widget, widget_id=widget.id, name="Mine")
    with pytest.raises(NotFound):
        await strangers.do(delete_widget, widget_id=widget.id)
    assert (await strangers.read(list_widgets)).total == 0
    await people.do(delete_widget, widget_id=widget.id)
    with pytest.raises(NotFound):
        await people.read(get_widget, widget_id=widget.id)
    assert (await people.read(list_widgets)).total == 0
    said = [row["action"] for row in await people.rows(AuditEntry)]
    assert said == ["widget.create", "widget.update", "widget.update", "widget.delete"]


async def a_team(people: People) -> UUID:
    key = new_id()
    async with people.units.write(people.principal) as tx:
        stamps = {"created_at": tx.now, "updated_at": tx.now}
        await tx.insert(Team, [{"id": key, "name": "Sales", "routing": "manual", **stamps}])
    return key


async def test_what_is_wrong_with_a_widget_is_said_and_nothing_is_kept(people: People, strangers: People) -> None:
    widget = await people.do(create_widget, name="Help")
    before = await people.rows(Widget)
    foreign_team = await a_team(strangers)
    for values, path in (
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"settings": {"colors": {"accent": "red"}}}, "settings.colors.accent"),
        ({"settings": {"colors": {"accent": "#777777", "on_accent": "#888888"}}}, "settings.colors"),
        ({"settings": {"texts": {"en": {"Title": "x"}}}}, "settings.texts.en.Title"),
        ({"settings": {"texts": {"not a language": {}}}}, "settings.texts.not a language"),
        ({"settings": {"texts": {"en": {"title": "\x00"}}}}, "settings.texts.en.title"),
        ({"settings": {"color": {}}}, "settings.color"),
        ({"settings": {"csat": "yes"}}, "settings.csat"),
        ({"settings": []}, "settings"),
        ({"team_id": foreign_team}, "team_id"),
    ):
        for action, named in ((create_widget, {"name": "New"}), (update_widget, {"widget_id": widget.id})):
            with pytest.raises((Invalid, NotFound)) as refused:
                await people.do(action, **{**named, **values})
            assert refused.value.field == path
    assert await people.rows(Widget) == before


async def test_a_plan_has_room_for_so_many_widgets(people: People, tenant: TenantAccount) -> None:
    await people.do(update_tenant, plan="free")
    widgets = [await people.do(create_widget, name=f"W{number}") for number in range(3)]
    with pytest.raises(PlanLimitExceeded):
        await people.do(create_widget, name="One too many")
    assert len(await people.rows(Widget)) == 3
    await people.do(delete_widget, widget_id=widgets[0].id)
    assert (await people.do(create_widget, name="Instead")).name == "Instead"


async def test_who_may_not_configure_widgets_cannot(units: UnitsOfWork, tenant: TenantAccount, people: People) -> None:
    widget = await people.do(create_widget, name="Help")
    agent = People(units, Principal("member", tenant.id, scopes=frozenset({Scope.CONVERSATIONS_WRITE})))
    for action, named in (
        (create_widget, {"name": "x"}),
        (update_widget, {"widget_id": widget.id}),
        (delete_widget, {"widget_id": widget.id}),
        (add_domain, {"name": "example.com"}),
        (remove_domain, {"domain_id": widget.id}),
    ):
        with pytest.raises(Forbidden):
            await agent.do(action, **named)
    for query, named in ((get_widget, {"widget_id": widget.id}), (list_widgets, {}), (list_domains, {})):
        with pytest.raises(Forbidden):
            await agent.read(query, **named)


async def test_domains_are_normalised_and_unique(people: People, strangers: People) -> None:
    for name, stored in (
        ("Example.COM.", "example.com"),
        (" *.example.com ", "*.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("localhost", "localhost"),
        ("10.0.0.1", "10.0.0.1"),
    ):
        assert (await people.do(add_domain, name=name)).name == stored
    for wrong in (
        "",
        "https://example.com",
        "example.com/shop",
        "*",
        "*.",
        "a..b",
        "-a.example",
        "a b",
        "*.*.a",
        "é" * 300,
    ):
        with pytest.raises(Invalid) as refused:
            await people.do(add_domain, name=wrong)
        assert refused.value.field == "name"
    with pytest.raises(Conflict):
        await people.do(add_domain, name="EXAMPLE.com")
    page = await people.read(list_domains, limit=2)
    assert ([domain.name for domain in page.items], page.total) == (["*.example.com", "10.0.0.1"], 5)
    with pytest.raises(NotFound):
        await strangers.do(remove_domain, domain_id=page.items[0].id)
    await people.do(remove_domain, domain_id=page.items[0].id)
    assert len(await people.rows(Domain)) == 4
    assert (await strangers.do(add_domain, name="example.com")).name == "example.com"


@pytest.mark.parametrize(
    ("locale", "language", "texts"),
    [
        ("de-AT", "de", {"title": "Sprich mit uns", "away": "We are away"}),
        ("en_GB", "en", TEXTS["en"]),
        ("pt-BR", "pt-BR", {**TEXTS["en"], "a": "b"}),
        ("ar", "ar", TEXTS["en"]),
        (None, "en", TEXTS["en"]),
        ("!!", "en", TEXTS["en"]),
    ],
)
def test_texts_are_in_the_nearest_language(locale: str | None, language: str, texts: dict[str, str]) -> None:
    assert texts_for(checked_settings({"texts": TEXTS}), locale) == (language, texts)


def test_a_visitor_is_shown_what_is_public() -> None:
    settings = checked_settings({"texts": TEXTS, "hours": {"timezone": "UTC"}})
    shown = shown_to_visitors(Widget(name="Help", settings=settings), "de")
    assert shown == {
        "name": "Help",
        "language": "de",
        "texts": {"title": "Sprich mit uns", "away": "We are away"},
        "colors": {"accent": "#2563eb", "on_accent": "#ffffff"},
        "theme": "auto",
        "position": "right",
        "ask_email": "never",
        "csat": True,
        "files": True,
        "show_agents": True,
    }


@pytest.mark.parametrize("accent", ["#ffffff", "#000000", "#777777", "#ffd500", "#0b6e4f", "#FF0000"])
def test_what_is_written_on_the_accent_can_be_read(accent: str) -> None:
    colors: Any = checked_settings({"colors": {"accent": accent}})["colors"]
    assert contrast(colors["accent"], colors["on_accent"]) >= 4.5


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast("#000000", "#ffffff") == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48
    assert contrast("#123456", "#123456") == 1
