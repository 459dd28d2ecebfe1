"""Who belongs to the control group and to which test group. Pure, and for one person always the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID

PER_MILLE = 1000


@dataclass(frozen=True, slots=True)
class Split:
    """An experiment as far as it decides who gets what. ``shares``: per mille of the sample, by the group's position.

    ``winner`` None of a decided experiment: no group was better, and the others are split as the sample was.
    """

    experiment_id: UUID
    sample_share: int
    shares: tuple[int, ...]
    is_decided: bool = False
    winner: int | None = None


def is_control(campaign_id: UUID, share: int, customer_id: UUID) -> bool:
    """Whether somebody is among the ``share`` per mille who get nothing of a campaign, whatever its version."""
    return share > 0 and bucket_of(b"control", campaign_id, customer_id) < share


def assign_group(split: Split, customer_id: UUID) -> int | None:
    """The group whose content somebody gets, or None for those who wait for the winner."""
    if split.is_decided and split.winner is not None:
        return split.winner
    if not split.is_decided and bucket_of(b"sample", split.experiment_id, customer_id) >= split.sample_share:
        return None
    return group_at(split.shares, bucket_of(b"group", split.experiment_id, customer_id))


def group_at(shares: Sequence[int], bucket: int) -> int:
    """The position of the group in whose share a bucket lies."""
    end = 0
    for position, share in enumerate(shares):
        end += share
        if bucket < end:
            return position
    return len(shares) - 1


def bucket_of(purpose: bytes, subject_id: UUID, customer_id: UUID) -> int:
    """A number from 0 to 999 that somebody has for a purpose; for others of a subject it is independent of this."""
    digest = blake2b(customer_id.bytes, digest_size=8, key=subject_id.bytes, person=purpose).digest()
    return int.from_bytes(digest, "big") * PER_MILLE >> 64
