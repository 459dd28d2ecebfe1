"""Parcelvoy's client API and its secret-key API: users, what they do, lists, and campaigns. Facts:
``contracts/parcelvoy.md``."""

from app.rest.door import Dialect
from app.rest.parcelvoy import campaigns, client, lists, segment_com, users, wire

DIALECT = Dialect(
    name="parcelvoy",
    title="Parcelvoy API",
    description=(
        "Users, what they do, lists of them, and campaigns that are triggered for one of them.\n\n"
        'A page is `{"results": […], "nextCursor", "prevCursor", "limit"}`; a success that has nothing to say is 204. '
        'A refusal is `{"status": "error", "error": "…"}`, of what is not there the plain text `Not Found`. '
        "A request is done whole or not at all.\n\n"
        "What Parcelvoy calls a secret or a public key is a matter of a key's scopes here: give a key that is put into "
        "an app or a page `customers:write` and `events:write` alone."
    ),
    endpoints=(
        *campaigns.ENDPOINTS,
        *client.ENDPOINTS,
        *segment_com.ENDPOINTS,
        *lists.ENDPOINTS,
        *users.ENDPOINTS,
    ),
    words=wire.WORDS,
    error_form=wire.error_form,
    error_model=wire.Failure,
    envelope=wire.envelope,
    envelope_model=wire.envelope_model,
    security=wire.SECURITY,
    challenge="Bearer",
    plan=wire.plan,
    limit_headers=wire.limit_headers,
    parameters={
        "campaignId": {"description": "A campaign's number.", "schema": {"type": "string", "pattern": "^[0-9]{1,9}$"}}
    },
    rename=wire.rename,
    text_statuses=frozenset({404}),
)

__all__ = ["DIALECT"]
