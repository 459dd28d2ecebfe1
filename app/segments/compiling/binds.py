"""The parameters of a compiled rule: whose customers, and what the clock says. Everything else is a literal in it.

What depends on the clock is computed here and bound, so that the text of a statement never changes and an index on a
moment can be used.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Date, Integer, bindparam, inspect
from sqlmodel import SQLModel

from models import Customer

TENANT = "rule_tenant"
NOW = "rule_now"
TODAY = "rule_today"
YEAR = "rule_year"


def table_of(model: type[SQLModel]) -> Any:
    """The table of a model."""
    return inspect(model).local_table


CUSTOMERS = table_of(Customer)
MOMENT = CUSTOMERS.c.created_at.type
"""The type of moments: aware and in UTC on both databases."""


def tenant() -> BindParameter[UUID]:
    """The tenant whose customers are asked about."""
    return bindparam(TENANT, type_=CUSTOMERS.c.tenant_id.type)


class Clock:
    """Binds what the clock says, and remembers which shifts of it are needed."""

    def __init__(self) -> None:
        self.shifts: set[int] = set()
        self.days: set[int] = set()

    def now(self, shift: int = 0) -> BindParameter[datetime]:
        """Now, or ``shift`` seconds later."""
        if shift == 0:
            return bindparam(NOW, type_=MOMENT)
        self.shifts.add(shift)
        return bindparam(_shifted(shift), type_=MOMENT)

    def day(self, ahead: int = 0) -> BindParameter[date]:
        """Today in UTC, or so many days ahead."""
        self.days.add(ahead)
        return bindparam(_ahead(ahead), type_=Date())

    def year(self, ahead: int = 0) -> BindParameter[int]:
        """This year in UTC, or the next."""
        return bindparam(f"{YEAR}_{ahead}", type_=Integer())


def _shifted(shift: int) -> str:
    return f"{NOW}_{'minus' if shift < 0 else 'plus'}_{abs(shift)}"


def _ahead(days: int) -> str:
    return f"{TODAY}_{days}"


def bind_values(tenant_id: UUID, now: datetime, shifts: Iterable[int], days: Iterable[int]) -> dict[str, Any]:
    """The values of the parameters at the moment ``now``."""
    values: dict[str, Any] = {TENANT: tenant_id, NOW: now, f"{YEAR}_0": now.year, f"{YEAR}_1": now.year + 1}
    values |= {_shifted(shift): now + timedelta(seconds=shift) for shift in shifts}
    return values | {_ahead(ahead): now.date() + timedelta(days=ahead) for ahead in days}
