"""How often strangers may try on one account, from however many addresses of the network and through whichever door."""

from app.core.access import Plan
from app.core.errors import RateLimited
from app.core.limits import Limiter
from app.core.tokens import digest

PASSWORDS = Plan("passwords", per_minute=10, burst=10)
"""Attempts at one account's password: a guesser gets 14,400 a day, whose owner notices nothing but a short wait."""
MAILS = Plan("account-mails", per_minute=2, burst=5)
"""Mails that strangers may make us send to one address."""


async def spend_attempt(limiter: Limiter, plan: Plan, address: str) -> None:
    """Counts one attempt at the account with this normalised e-mail address, whether it exists or not.

    To be asked before a password is verified or a mail is written. Addresses are hashed, so that Redis does not keep
    them. Raises :class:`RateLimited`.
    """
    allowance = await limiter.take(digest(address), plan)
    if allowance.refused:
        raise RateLimited(allowance.retry_after)
