"""Visitors: their sessions, the pages they see, and who they prove to be."""

import pytest

from app.actions.authentication import Authenticator
from app.actions.visitors import open_widget
from app.actions.widgets import create_widget
from app.core.access import PUBLIC, Scope
from app.core.credentials import Credential
from app.core.errors import Unauthenticated
from app.core.tx import UnitsOfWork
from models import Widget
from tests.actions.people import People

SHOP = "https://shop.example"


async def opened(units: UnitsOfWork, widget: Widget, **values: object):
    async with units.write(PUBLIC) as tx:
        return await open_widget(tx, **{"widget_key": widget.key, "origin": SHOP, **values})


async def test_a_token_makes_the_visitor_come_back(units: UnitsOfWork, people: People) -> None:
    widget = await people.do(create_widget, name="Help")
    first = await opened(units, widget, page_url="https://shop.example/a", page_title="A", locale="de_AT")
    again = await opened(units, widget, visitor_token=first.token, page_url="https://shop.example/b")
    assert again.visitor.id == first.visitor.id
    assert (again.visitor.page_count, again.visitor.page_url, again.visitor.locale) == (
        2,
        "https://shop.example/b",
        "de-AT",
    )
    principal = await Authenticator(units, units.services).authenticate(Credential.from_text(again.token), "graph")
    assert (principal.kind, principal.id, principal.scopes, principal.origin, principal.plan) == (
        "visitor",
        first.visitor.id,
        {Scope.VISITOR},
        SHOP,
        "visitor",
    )
    with pytest.raises(Unauthenticated):
        await Authenticator(units, units.services).authenticate(Credential.from_text(again.token + "x"), "graph")
