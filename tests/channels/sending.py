"""What the tests of channels send."""

from typing import Any
from uuid import UUID

from app.channels import Outgoing, Target
from app.core.ids import new_id
from app.core.message import Message
from app.core.settings import Settings

TENANT = UUID(int=1)
LOCAL = Settings(allowed_private_hosts=["127.0.0.1", "localhost"])


def outgoing(recipient: str = "+14155552671", *devices: Target, channel: str = "sms", **said: Any) -> Outgoing:
    message = Message(**({"body": "Hello"} | said))
    return Outgoing(new_id(), TENANT, channel, recipient, message, devices, "key-1")
