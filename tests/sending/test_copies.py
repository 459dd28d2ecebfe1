"""Copies of e-mails do not go to addresses that are suppressed."""

from datetime import timedelta
from typing import Any

import pytest

from app.actions.customers import identify, suppress
from app.actions.customers.facts import CustomerFacts, CustomerRef
from app.actions.deliveries import Claim, Deciding, Parcel, claim_deliveries, gather, leave_off_copies
from app.core import clock
from app.core.access import system
from app.core.ids import new_id
from app.core.message import Message
from app.core.streams import Stream
from app.core.tx import UnitsOfWork
from models import Suppression
from tests.sending.mailing import Mailing
from tests.tenants import TenantAccount

LEASE = timedelta(minutes=1)


@pytest.fixture
async def claims(units: UnitsOfWork, tenant: TenantAccount) -> list[Claim]:
    """Messages in hand, in a tenant with a suppressed address and a suppressed person."""
    await (await Mailing(units, tenant.id).begin()).invite(2)
    async with units.write(tenant.principal) as tx:
        listed = {"channel": "email", "address": "gone@example.com", "reason": "hard_bounce", "created_at": tx.now}
        other = {"channel": "sms", "address": "kept@example.com", "reason": "manual", "created_at": tx.now}
        await tx.insert(Suppression, [{"id": new_id(), **listed}, {"id": new_id(), **other}])
        await identify(tx, CustomerFacts(external_id="quiet", email="quiet@example.com"))
        await suppress(tx, customer=CustomerRef("external_id", "quiet"))
    async with units.write(system(tenant.id)) as tx:
        stream = Stream(tenant.id, "email", 5, clock.now())
        return await claim_deliveries(tx, lane=1, stream=stream, limit=2, lease=LEASE)


@pytest.mark.parametrize(
    ("fields", "kept", "left_off"),
    [
        ({"cc": "Gone <GONE@example.com>, \"B, C\" <kept@example.com>"}, {"cc": '"B, C" <kept@example.com>'}, ["gone"]),
        ({"cc": ["gone@example.com", "Kept <kept@example.com>"], "n": 1}, {"cc": ["Kept <kept@example.com>"], "n": 1},
         ["gone"]),
        ({"bcc": "gone@example.com", "cc": "quiet@example.com"}, {}, ["quiet", "gone"]),
        ({"bcc": "kept@example.com, other@example.com"}, {"bcc": "kept@example.com, other@example.com"}, []),
        ({"subject": "gone@example.com"}, {"subject": "gone@example.com"}, []),
        ({"cc": 5, "bcc": ""}, {"cc": 5, "bcc": ""}, []),
    ],
)  # fmt: skip
async def test_a_suppressed_copy_is_left_off_and_the_message_goes(
    units: UnitsOfWork,
    tenant: TenantAccount,
    claims: list[Claim],
    fields: dict[str, Any],
    kept: dict[str, Any],
    left_off: list[str],
) -> None:
    async with units.read(system(tenant.id)) as reading:
        known = await gather(reading, claims=claims)
        copied, plain = (Parcel(claim, Deciding(known).decide(claim)) for claim in claims)
        before = plain.decision
        copied.message, plain.message = Message("Hello", fields=fields), Message("Hello")
        await leave_off_copies(reading, parcels=[copied, plain])
    assert (copied.message.fields, plain.message.fields, plain.decision) == (kept, {}, before)
    assert (copied.decision.verdict, copied.decision.reason) == ("pass", None)
    (said,) = [entry for entry in copied.decision.document() if entry["gate"] == "suppression"]
    reasons = {"gone": "hard_bounce", "quiet": "suppressed_person"}
    expected = [{"address": f"{name}@example.com", "reason": reasons[name]} for name in left_off]
    assert said["value"].get("left_off", []) == expected
    assert bool(said["detail"]) == bool(left_off)
