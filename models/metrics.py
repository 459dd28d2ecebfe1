"""Hourly counters: how often what happened."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, Numeric
from sqlmodel import Field

from models.base import TenantRow


class HourlyCount(TenantRow, table=True):
    """How often something happened in one hour to one subject: a tenant, campaign, content, link or journey step.

    ``amount`` is the revenue of ``converted``. Written in the transaction of what it counts.
    """

    __tablename__ = "hourly_counts"

    subject_id: UUID = Field(primary_key=True)
    metric: str = Field(primary_key=True, max_length=30)
    hour: datetime = Field(primary_key=True)
    count: int = Field(default=0, sa_type=BigInteger)
    amount: Decimal = Field(default=Decimal(0), sa_type=Numeric(20, 4))
