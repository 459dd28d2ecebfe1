"""The nouns: every table of Rapport. Imports nothing of ours above this floor."""

from sqlmodel import SQLModel

from models.accounts import ApiKey, EmailToken, Member, RefreshToken, Session, Tenant, User
from models.audit import AuditEntry
from models.base import TenantScoped
from models.customers import Consent, Customer, Device, Identity, Merge, MergeMove
from models.events import Event
from models.feed import FeedEntry, FeedTopic
from models.jobs import Job
from models.outbox import OutboxMessage
from models.segments import Segment, SegmentDependency, SegmentFlip, SegmentMembership

metadata = SQLModel.metadata

__all__ = [
    "ApiKey",
    "AuditEntry",
    "Consent",
    "Customer",
    "Device",
    "EmailToken",
    "Event",
    "FeedEntry",
    "FeedTopic",
    "Identity",
    "Job",
    "Member",
    "Merge",
    "MergeMove",
    "OutboxMessage",
    "RefreshToken",
    "Segment",
    "SegmentDependency",
    "SegmentFlip",
    "SegmentMembership",
    "Session",
    "Tenant",
    "TenantScoped",
    "User",
    "metadata",
]
