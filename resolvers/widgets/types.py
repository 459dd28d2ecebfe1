"""Widgets and the sites on which they stand, as the graph shows them."""

from typing import Annotated, Any

import strawberry

import models
from app.core.access import Scope
from resolvers.nodes import Node
from resolvers.planner import arguments as given
from resolvers.planner.declare import Order, Rows, column, many, one, rows, table_type
from resolvers.scalars import JSON, DateTime
from resolvers.teams.types import Team

MADE = Order("c", "created_at", descending=False)


@table_type(models.Widget, noun="widget", scope=Scope.WIDGETS_READ)
class Widget(Node):
    """A chat window for web pages."""

    key: str = column("Its public key, which stands in the page.")
    name: str = column("What it is called.")
    settings: JSON = column("Colours, texts by language, languages, position and business hours.")
    installed_at: DateTime | None = column("When it was first opened on a page; null if it never was.")
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed.")

    @one(
        lambda: Team,
        "The team in whose queue its conversations begin.",
        graphql_type=Team | None,
        scope=Scope.CONVERSATIONS_READ,
    )
    def team(self: Any) -> Rows:
        team = rows(models.Team)
        return team.where(team.c.id == self.c.team_id)


@table_type(models.Domain, noun="domain", scope=Scope.WIDGETS_READ)
class Domain(Node):
    """A host name of the tenant's: pages with its widgets, mail, or tracked links."""

    name: str = column("example.com, or *.example.com for everything below it.")
    carries_widgets: bool = column(
        "Whether widgets may stand on its pages. While there is no such domain, they may stand everywhere."
    )
    is_for_mail: bool = column(
        "Whether it is one for mail and tracked links.", lambda row: row.c.verification_token.is_not(None)
    )
    verified_at: DateTime | None = column("When its DNS first said that it is the tenant's; null while it does not.")
    dkim_verified_at: DateTime | None = column("Since when mail from it is signed (DKIM); null: it is not.")
    dkim_selector: str | None = column("The name of the key with which its mail is signed.")
    tracks_links: bool = column("Whether tracked links lead to it.")
    checked_at: DateTime | None = column("When its DNS was last looked at.")
    created_at: DateTime = column("When it was added.")


def widget_of(row: Rows) -> Rows:
    """The widget of a row with a ``widget_id``."""
    widget = rows(models.Widget)
    return widget.where(widget.c.id == row.c.widget_id)


@strawberry.type
class WidgetQuery:
    """Root fields about widgets."""

    @one(lambda: Widget, "One widget, or null.", graphql_type=Widget | None, scope=Scope.WIDGETS_READ)
    def widget(
        self: Any, id: Annotated[strawberry.ID, strawberry.argument(description="The widget's public id.")]
    ) -> Rows:
        widget = rows(models.Widget)
        return widget.where(widget.c.id == given.key("widget", id))

    @many(lambda: Widget, "All widgets, by age.", graphql_type=list[Widget], scope=Scope.WIDGETS_READ)
    def widgets(self: Any) -> Rows:
        return rows(models.Widget).ordered(MADE)

    @many(lambda: Domain, "All domains, by age.", graphql_type=list[Domain], scope=Scope.WIDGETS_READ)
    def domains(self: Any) -> Rows:
        return rows(models.Domain).ordered(MADE)
