"""Over which providers the tenant sends."""

from app.actions.integrations.defining import (
    create_integration,
    delete_integration,
    get_integration,
    integration_of,
    list_integrations,
    open_credentials,
    update_integration,
)
from app.actions.integrations.using import note_failure, signer_of, signing_domains, used_integrations

__all__ = [
    "create_integration",
    "delete_integration",
    "get_integration",
    "integration_of",
    "list_integrations",
    "note_failure",
    "open_credentials",
    "signer_of",
    "signing_domains",
    "update_integration",
    "used_integrations",
]
