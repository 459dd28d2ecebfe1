"""The tenant's rules of sending: quiet hours, frequency caps, what is tracked, when an address is given up."""

from app.actions.sending.caps import create_frequency_cap, delete_frequency_cap, list_frequency_caps
from app.actions.sending.policy import get_sending_policy, update_sending_policy

__all__ = [
    "create_frequency_cap",
    "delete_frequency_cap",
    "get_sending_policy",
    "list_frequency_caps",
    "update_sending_policy",
]
