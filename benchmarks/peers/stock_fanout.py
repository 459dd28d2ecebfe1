"""Strawberry's subscriptions as its documentation suggests: an asynchronous generator for each, its own ASGI view.

It publishes in memory and answers the same documents with the same shapes as Rapport.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from typing import Annotated
from uuid import uuid4

import strawberry
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from strawberry.asgi import GraphQL
from strawberry.scalars import JSON

listeners: defaultdict[str, set[asyncio.Queue["TrackedEvent"]]] = defaultdict(set)


@strawberry.input
class CustomerKeyInput:
    id: strawberry.ID


@strawberry.input
class TrackEventInput:
    customer: CustomerKeyInput
    name: str
    properties: JSON


@strawberry.type
class Event:
    id: strawberry.ID
    name: str
    properties: JSON


@strawberry.type
class TrackPayload:
    event: Event


@strawberry.type
class TrackedEvent:
    cursor: str
    event: Event


@strawberry.type
class FeedGap:
    cursor: str


CustomerEventsItem = Annotated[TrackedEvent | FeedGap, strawberry.union("CustomerEventsItem")]


@strawberry.type
class Query:
    hello: str = "hello"


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def track(self, input: TrackEventInput) -> TrackPayload:
        event = Event(id=strawberry.ID(uuid4().hex), name=input.name, properties=input.properties)
        for queue in listeners[input.customer.id]:
            queue.put_nowait(TrackedEvent(cursor=uuid4().hex, event=event))
        return TrackPayload(event=event)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def customer_events(self, customer_id: strawberry.ID) -> AsyncGenerator[CustomerEventsItem, None]:
        queue: asyncio.Queue[TrackedEvent] = asyncio.Queue()
        listeners[customer_id].add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            listeners[customer_id].discard(queue)


view: GraphQL[None, None] = GraphQL(strawberry.Schema(Query, Mutation, Subscription))
app = Starlette(routes=[Route("/graphql", view), WebSocketRoute("/graphql", view)])
