"""The nouns: every table of Rapport. Imports nothing of ours above this floor."""

from sqlmodel import SQLModel

from models.accounts import ApiKey, EmailToken, Member, RefreshToken, Session, Tenant, User
from models.audit import AuditEntry
from models.base import TenantScoped
from models.campaigns import Campaign, CampaignRun, Experiment, RunPortion, TestGroup
from models.consent import SoftBounces, SubscriptionTopic, Suppression, TopicConsent
from models.content import Content, Layout, Sender, Snippet
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
from models.deliveries import ArchivedMessage, Delivery
from models.events import Event
from models.feed import FeedEntry, FeedTopic
from models.files import File
from models.integrations import Integration
from models.jobs import Job
from models.metrics import HourlyCount
from models.outbox import OutboxMessage
from models.reporting import ReportingWebhook, WebhookCall
from models.segments import Segment, SegmentDependency, SegmentFlip, SegmentMembership
from models.sending import FrequencyCap, SendingPolicy
from models.teams import Agent, Team, TeamMember
from models.tracking import Engagement, Link
from models.visitors import Visitor, VisitorPage
from models.widgets import Domain, Widget

metadata = SQLModel.metadata

__all__ = [
    "Agent",
    "ApiKey",
    "ArchivedMessage",
    "AuditEntry",
    "Campaign",
    "CampaignRun",
    "CannedResponse",
    "Consent",
    "Content",
    "Conversation",
    "ConversationTag",
    "Customer",
    "Delivery",
    "Device",
    "Domain",
    "EmailToken",
    "Engagement",
    "Event",
    "Experiment",
    "FeedEntry",
    "FeedTopic",
    "File",
    "FrequencyCap",
    "HourlyCount",
    "Identity",
    "Integration",
    "Job",
    "Layout",
    "Link",
    "Member",
    "Merge",
    "MergeMove",
    "Message",
    "MessageFile",
    "MessageRevision",
    "OutboxMessage",
    "RefreshToken",
    "ReportingWebhook",
    "RunPortion",
    "SavedView",
    "Segment",
    "SegmentDependency",
    "SegmentFlip",
    "SegmentMembership",
    "Sender",
    "SendingPolicy",
    "Session",
    "Snippet",
    "SoftBounces",
    "SubscriptionTopic",
    "Suppression",
    "Team",
    "TeamMember",
    "Tenant",
    "TenantScoped",
    "TestGroup",
    "TopicConsent",
    "User",
    "Visitor",
    "VisitorPage",
    "WebhookCall",
    "Widget",
    "metadata",
]
