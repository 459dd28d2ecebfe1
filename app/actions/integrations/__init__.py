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
from app.actions.integrations.domains import (
    DnsRecord,
    add_sending_domain,
    dns_records,
    list_sending_domains,
    look_up_records,
    note_looked,
    note_records,
    remove_sending_domain,
    rotate_dkim_key,
    sending_domain_of,
    unchecked_domains,
    unproves,
)
from app.actions.integrations.mails import own_mail
from app.actions.integrations.using import note_failure, signer_of, signing_domains, used_integrations

__all__ = [
    "DnsRecord",
    "add_sending_domain",
    "create_integration",
    "delete_integration",
    "dns_records",
    "get_integration",
    "integration_of",
    "list_integrations",
    "list_sending_domains",
    "look_up_records",
    "note_failure",
    "note_looked",
    "note_records",
    "open_credentials",
    "own_mail",
    "remove_sending_domain",
    "rotate_dkim_key",
    "sending_domain_of",
    "signer_of",
    "signing_domains",
    "unchecked_domains",
    "unproves",
    "update_integration",
    "used_integrations",
]
