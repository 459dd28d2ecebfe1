"""The SilentChat API: accounts, tenants, and live conversations. Facts: ``contracts/silentchat.md``."""

from app.rest.door import Dialect
from app.rest.silentchat import auth, canned_responses, contacts, conversations, files, tenants, visitors, widgets, wire

DIALECT = Dialect(
    name="silentchat",
    title="SilentChat API",
    description=(
        "Live conversations with visitors of web pages, and the accounts of those who answer.\n\n"
        "Every request but those about accounts names its tenant in `X-Tenant-ID`. A list is "
        '`{"data": […], "pagination": {"total", "limit", "offset", "has_more"}}`, anything else stands alone; a '
        'refusal is `{"error": {"code", "message", "status"}}`. Unknown fields are ignored.\n\n'
        "Ten requests a minute about accounts for each address, a hundred of all others for each member or key. Every "
        "response carries `X-RateLimit-Limit` and `X-RateLimit-Remaining`, and a 429 says `Retry-After`."
    ),
    endpoints=(
        *auth.ENDPOINTS,
        *tenants.ENDPOINTS,
        *conversations.ENDPOINTS,
        *visitors.ENDPOINTS,
        *contacts.ENDPOINTS,
        *widgets.ENDPOINTS,
        *canned_responses.ENDPOINTS,
        *files.ENDPOINTS,
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
        "id": {
            "description": "What it is about: `conv_…`, `vis_…`, `con_…`, `wid_…`, `dom_…`, `can_…`, `file_…`, `tn_…`.",
            "schema": {"type": "string", "pattern": "^[a-z]+_[0-9a-f]{32}$"},
        },
        "userId": {"description": "A member.", "schema": {"type": "string", "pattern": "^usr_[0-9a-f]{32}$"}},
    },
    rename=wire.rename,
    request_headers={"X-Tenant-ID": "The tenant (`tn_…`) that this is about. Needed where the path does not name it."},
    enter=wire.enter,
)

__all__ = ["DIALECT"]
