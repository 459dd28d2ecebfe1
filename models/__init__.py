"""The nouns: every table of Rapport. Imports nothing of ours above this floor."""

from sqlmodel import SQLModel

from models.accounts import ApiKey, EmailToken, Member, RefreshToken, Session, Tenant, User
from models.audit import AuditEntry
from models.base import TenantScoped
from models.conversations import (
    CannedResponse,
    Conversation,
    ConversationTag,
    Message,
    MessageFile,
    MessageRevision,
    SavedView,
)
from models.customers import Consent, Customer, Device, Identity, Merge, MergeMove
from models.events import Event
from models.feed import FeedEntry, FeedTopic
from models.files import File
from models.jobs import Job
from models.outbox import OutboxMessage
from models.segments import Segment, SegmentDependency, SegmentFlip, SegmentMembership
from models.teams import Agent, Team, TeamMember
from models.visitors import Visitor, VisitorPage
from models.widgets import Domain, Widget

metadata = SQLModel.metadata

__all__ = [
    "Agent",
    "ApiKey",
    "AuditEntry",
    "CannedResponse",
    "Consent",
    "Conversation",
    "ConversationTag",
    "Customer",
    "Device",
    "Domain",
    "EmailToken",
    "Event",
    "FeedEntry",
    "FeedTopic",
    "File",
    "Identity",
    "Job",
    "Member",
    "Merge",
    "MergeMove",
    "Message",
    "MessageFile",
    "MessageRevision",
    "OutboxMessage",
    "RefreshToken",
    "SavedView",
    "Segment",
    "SegmentDependency",
    "SegmentFlip",
    "SegmentMembership",
    "Session",
    "Team",
    "TeamMember",
    "Tenant",
    "TenantScoped",
    "User",
    "Visitor",
    "VisitorPage",
    "Widget",
    "metadata",
]
