"""One notification to all of a person's devices, over each device's platform."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from app.channels.carrying import Outcome, Outgoing, Result, Target
from app.channels.push.notice import Notice, Platform, platform_of

BEST_FIRST = (Result.ACCEPTED, Result.UNKNOWN, Result.DEFERRED, Result.REJECTED)


class PushProvider:
    """Sends to devices over the platforms it has. The person has got the message when one device has.

    A device nobody has any more is named in ``gone_devices``. If some devices took the message, it is not sent again
    for the sake of the others.
    """

    kind: ClassVar[str] = "push"
    is_idempotent: ClassVar[bool] = False

    def __init__(self, platforms: Mapping[str, Platform], concurrency: int = 32) -> None:
        self.concurrency = concurrency
        self._platforms = platforms

    @classmethod
    def joined(cls, parts: Sequence["PushProvider"]) -> "PushProvider":
        """One provider with the platforms of all."""
        return cls({kind: platform for part in parts for kind, platform in part._platforms.items()})

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Hands the notification over for every device, at once."""
        notice = Notice.of(outgoing)
        if not outgoing.devices:
            return Outcome.rejected("no_device", "there is no device to send to", address_is_bad=True)
        outcomes = await asyncio.gather(*(self._send_to(target, notice) for target in outgoing.devices))
        best = min(outcomes, key=lambda outcome: BEST_FIRST.index(outcome.result))
        gone = tuple(
            target.token for target, outcome in zip(outgoing.devices, outcomes, strict=True) if outcome.address_is_bad
        )
        kinds = map(platform_of, outgoing.devices)
        parts = tuple(zip(kinds, outcomes, strict=True))
        return replace(best, gone_devices=gone, address_is_bad=len(gone) == len(outcomes), parts=parts)

    async def _send_to(self, target: Target, notice: Notice) -> Outcome:
        kind = platform_of(target)
        platform = self._platforms.get(kind)
        if platform is None:
            return Outcome.rejected("no_provider", f"there is no integration {kind} for a device of {target.platform}")
        return await platform.send_to(target, notice)

    async def close(self) -> None:
        """The HTTP clients are the process's."""
