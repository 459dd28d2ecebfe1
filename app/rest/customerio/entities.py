"""Track API, version 2: one operation, or many in one request."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from pydantic import Field

from app.actions import customers, events
from app.actions.customers import CustomerFacts
from app.actions.events import NewEvent
from app.core.access import Principal
from app.core.errors import RapportError
from app.rest.customerio.operations import Entity, Step, step_of
from app.rest.customerio.wire import FIELDS, Wire, refused
from app.rest.door import Call, Endpoint, Refusal, Reply
from app.runtime import Runtime

TAG = "Version 2"
MOST_OPERATIONS = 10_000
"""More would not fit into the 500 KB that Customer.io takes; a megabyte of nothing but refusals held everybody up."""
VERSION_2_FIELDS = FIELDS | {
    "attributes": "attributes",
    "properties": "attributes",
    "customer": "identifiers",
    "customer_id": "identifiers.cio_id",
    "external_id": "identifiers.id",
    "email": "identifiers.email",
    "anonymous_id": "identifiers.anonymous_id",
    "consents": "attributes.unsubscribed",
    "phone": "attributes.phone",
    "timezone": "attributes.timezone",
    "locale": "attributes.language",
    "created_at": "attributes.created_at",
    "token": "device.token",
}


class EntityError(Wire):
    reason: str
    field: str | None
    message: str


class EntityErrors(Wire):
    """One error per thing wrong."""

    errors: list[EntityError]


class BatchError(EntityError):
    batch_index: int = Field(description="Which operation, from 0.")


class BatchErrors(Wire):
    """The operations that were refused; the others are done."""

    errors: list[BatchError]


class Batch(Wire):
    batch: list[Any] = Field(
        min_length=1,
        max_length=MOST_OPERATIONS,
        description="Operations, each as for `/api/v2/entity`; done in order.",
    )


async def apply_entity(call: Call[Entity, None]) -> None:
    step = step_of(call.body.model_dump(exclude_unset=True))
    if isinstance(step, CustomerFacts):
        await call.runtime.ingest.identify(call.principal, step)
    elif isinstance(step, NewEvent):
        await call.runtime.ingest.track(call.principal, step)
    else:
        await step(call.runtime, call.principal)


async def apply_batch(call: Call[Batch, None]) -> Reply | None:
    refusals: dict[int, RapportError] = {}
    steps: list[tuple[int, Step]] = []
    for index, document in enumerate(call.body.batch):
        try:
            steps.append((index, step_of(document)))
        except RapportError as refusal:
            refusals[index] = refusal
    for kind, group in groupby(steps, key=lambda numbered: type(numbered[1])):
        numbered = list(group)
        results = await _together(call.runtime, call.principal, kind, [step for _, step in numbered])
        refusals.update({i: r for (i, _), r in zip(numbered, results, strict=True) if isinstance(r, RapportError)})
    if not refusals:
        return None
    found = [BatchError(batch_index=index, **error) for index in sorted(refusals) for error in _errors(refusals[index])]
    return Reply(207, BatchErrors(errors=found))


async def _together(runtime: Runtime, principal: Principal, kind: type, steps: Sequence[Any]) -> Sequence[object]:
    """Consecutive steps of one kind: facts and events in one unit of work, deeds each in its own."""
    if kind not in (CustomerFacts, NewEvent):
        return [await _refusal_of(step(runtime, principal)) for step in steps]
    try:
        async with runtime.write(principal) as tx:
            if kind is NewEvent:
                return await events.track_many(tx, steps)
            return await customers.identify_many(tx, steps)
    except RapportError as refusal:
        return [refusal] * len(steps)


async def _refusal_of(deed: Any) -> RapportError | None:
    try:
        await deed
    except RapportError as refusal:
        return refusal
    return None


def entity_errors(refusal: Refusal) -> dict[str, Any]:
    """The form of a refusal in version 2."""
    return {"errors": [{"reason": refusal.reason, "field": d.field, "message": d.message} for d in refusal.details]}


def _errors(refusal: RapportError) -> list[dict[str, Any]]:
    errors: list[dict[str, Any]] = entity_errors(refused(refusal, VERSION_2_FIELDS))["errors"]
    return errors


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/api/v2/entity",
        handler=apply_entity,
        tag=TAG,
        summary="Do one operation on one person",
        body=Entity,
        fields=VERSION_2_FIELDS,
        error_form=entity_errors,
        error_model=EntityErrors,
    ),
    Endpoint(
        method="POST",
        path="/api/v2/batch",
        handler=apply_batch,
        tag=TAG,
        summary="Do many operations in one request",
        body=Batch,
        further={207: BatchErrors},
        fields=VERSION_2_FIELDS,
        error_form=entity_errors,
        error_model=EntityErrors,
    ),
)
