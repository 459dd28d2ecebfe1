"""The Customer.io Track and App APIs as their published clients speak to them (``contracts/customerio.md``)."""

from app.rest.customerio import (
    devices,
    entities,
    events,
    info,
    messages,
    newsletter_metrics,
    newsletters,
    people,
    region,
    reporting_webhooks,
    search,
    segments,
    send_email,
    send_others,
    sender_identities,
    snippets,
    triggers,
    wire,
)
from app.rest.door import Dialect

NUMBER = {"type": "integer", "minimum": 1}

DIALECT = Dialect(
    name="customerio",
    title="Customer.io Track and App API",
    description=(
        "People, their events, devices and segments, as the published Customer.io clients send and read them. Paths "
        "that begin with `/api` are those of the Track API, the others those of the App API.\n\n"
        "A person is named by your own id, an e-mail address, or `cio_` and the 32 hexadecimal digits of a Rapport "
        "customer. Every success of the Track API is `{}`. Unknown fields are ignored or, on a person, kept as "
        "attributes. What was answered is committed.\n\n"
        "About 100 requests a second are fair use of the Track API, and 10 of the App API; beyond that the answer is "
        "429 with `Retry-After`."
    ),
    endpoints=(
        *people.ENDPOINTS,
        *events.ENDPOINTS,
        *devices.ENDPOINTS,
        *entities.ENDPOINTS,
        *region.ENDPOINTS,
        *segments.ENDPOINTS,
        *search.ENDPOINTS,
        *reporting_webhooks.ENDPOINTS,
        *info.ENDPOINTS,
        *send_email.ENDPOINTS,
        *send_others.ENDPOINTS,
        *triggers.ENDPOINTS,
        *snippets.ENDPOINTS,
        *sender_identities.ENDPOINTS,
        *newsletters.ENDPOINTS,
        *newsletter_metrics.ENDPOINTS,
        *messages.ENDPOINTS,
    ),
    words=wire.WORDS,
    error_form=wire.meta_errors,
    error_model=wire.MetaErrors,
    envelope=wire.envelope,
    envelope_model=wire.envelope_model,
    security=wire.SECURITY,
    challenge='Basic realm="Track API"',
    plan=wire.plan,
    limit_headers=wire.limit_headers,
    parameters={
        "identifier": {"description": "Your id of the person, their e-mail address, or `cio_…`. Percent-encode it."},
        "device_id": {"description": "The device's push token."},
        "segment_id": {"description": "The number of a segment.", "schema": NUMBER},
        "message_id": {"description": "The id of a delivery (`dlv_…`)."},
        "newsletter_id": {"description": "The number of a one-off campaign.", "schema": NUMBER},
        "content_id": {"description": "The number of one of its contents.", "schema": NUMBER},
        "language": {
            "description": "A language tag; empty for what everybody gets who has no better one.",
            "schema": {"type": "string"},
        },
        "test_group_id": {"description": "A test group, from 0.", "schema": {"type": "string", "minLength": 1}},
        "sender_id": {"description": "The number of a sender.", "schema": NUMBER},
        "snippet_name": {"description": "The name of a snippet. Percent-encode it."},
        "broadcast_id": {"description": "The number of a triggered campaign.", "schema": NUMBER},
        "trigger_id": {"description": "The number of one of its runs.", "schema": NUMBER},
        "webhook_id": {"description": "The number of a reporting webhook.", "schema": NUMBER},
        "customer_id": {"description": "A person, named as `id_type` says. Percent-encode it."},
    },
    rename=wire.rename,
    text_statuses=frozenset({401}),
)

__all__ = ["DIALECT"]
