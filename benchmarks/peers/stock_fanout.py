"""Strawberry's subscriptions as its documentation suggests: an asynchronous generator for each, its own ASGI view.

It publishes in memory and answers the same documents with the same shapes as Rapport.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from itertools import count
from typing import Annotated
from uuid import uuid4

import strawberry
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from strawberry.asgi import GraphQL

listeners: defaultdict[str, set[asyncio.Queue["ConversationChange"]]] = defaultdict(set)
numbers = count(1)


@strawberry.input
class SendMessageInput:
    conversation_id: strawberry.ID
    text: str


@strawberry.type
class Message:
    id: strawberry.ID
    seq: int
    sender_name: str
    text: str


@strawberry.type
class SendMessagePayload:
    message: Message


@strawberry.type
class ConversationChange:
    cursor: str
    change: str
    message: Message | None


@strawberry.type
class FeedGap:
    cursor: str


ConversationItem = Annotated[ConversationChange | FeedGap, strawberry.union("ConversationItem")]


@strawberry.type
class Query:
    hello: str = "hello"


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def send_message(self, input: SendMessageInput) -> SendMessagePayload:
        seq = next(numbers)
        message = Message(id=strawberry.ID(uuid4().hex), seq=seq, sender_name="Ada", text=input.text)
        for queue in listeners[input.conversation_id]:
            queue.put_nowait(ConversationChange(cursor=f"epoch-{seq}", change="MESSAGE_CREATED", message=message))
        return SendMessagePayload(message=message)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def conversation(self, conversation_id: strawberry.ID) -> AsyncGenerator[ConversationItem, None]:
        queue: asyncio.Queue[ConversationChange] = asyncio.Queue()
        listeners[conversation_id].add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            listeners[conversation_id].discard(queue)


view: GraphQL[None, None] = GraphQL(strawberry.Schema(Query, Mutation, Subscription))
app = Starlette(routes=[Route("/graphql", view), WebSocketRoute("/graphql", view)])
