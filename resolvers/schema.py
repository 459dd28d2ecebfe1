"""The schema: everything the graph says, put together."""

import strawberry
from graphql import get_named_type

from resolvers.accounts.mutations import AccountMutation
from resolvers.accounts.types import AccountQuery
from resolvers.campaigns.calls import CallMutation
from resolvers.campaigns.experiments import ExperimentMutation
from resolvers.campaigns.mutations import CampaignMutation
from resolvers.campaigns.queries import CampaignQuery
from resolvers.campaigns.subscriptions import CampaignSubscription
from resolvers.canned_responses import CannedResponseMutation, CannedResponseQuery
from resolvers.consent.mutations import ConsentMutation
from resolvers.consent.types import ConsentQuery
from resolvers.content.mutations import ContentMutation
from resolvers.content.previewing import PreviewQuery
from resolvers.content.types import ContentQuery
from resolvers.conversations.changes import ConversationSubscription
from resolvers.conversations.moments import MomentMutation, MomentQuery, MomentSubscription
from resolvers.conversations.mutations import ConversationMutation
from resolvers.conversations.queries import ConversationQuery
from resolvers.customers.mutations import CustomerMutation
from resolvers.customers.queries import CustomerQuery
from resolvers.customers.subscriptions import CustomerSubscription
from resolvers.deliveries.mutations import DeliveryMutation
from resolvers.deliveries.queries import DeliveryQuery
from resolvers.deliveries.subscriptions import DeliverySubscription
from resolvers.events.mutations import EventMutation
from resolvers.events.subscriptions import EventSubscription
from resolvers.events.types import EventQuery
from resolvers.executor import foresee_payloads, plan_root_fields
from resolvers.files.types import FileQuery
from resolvers.inputs import prepare_inputs
from resolvers.integrations.mutations import IntegrationMutation, SendingDomainMutation
from resolvers.integrations.types import IntegrationQuery
from resolvers.metrics.queries import MetricQuery
from resolvers.nodes import NodeQuery
from resolvers.planner.declare import BY_NOUN
from resolvers.reporting.mutations import ReportingMutation
from resolvers.reporting.types import ReportingQuery
from resolvers.saved_views import SavedViewMutation, SavedViewQuery
from resolvers.scalars import strawberry_config
from resolvers.segments.mutations import SegmentMutation
from resolvers.segments.queries import SegmentQuery
from resolvers.segments.subscriptions import SegmentSubscription
from resolvers.sending.mutations import SendingMutation
from resolvers.sending.types import SendingQuery
from resolvers.teams.mutations import TeamMutation
from resolvers.teams.types import TeamQuery
from resolvers.tracking.types import TrackingQuery
from resolvers.visitors.mutations import VisitorMutation
from resolvers.visitors.own import VisitorSessionQuery
from resolvers.visitors.subscriptions import VisitorSubscription
from resolvers.visitors.types import VisitorQuery
from resolvers.widgets.mutations import IdentitySecretQuery, WidgetMutation
from resolvers.widgets.types import WidgetQuery


@strawberry.type(description="What can be asked.")
class Query(
    NodeQuery,
    AccountQuery,
    CustomerQuery,
    EventQuery,
    SegmentQuery,
    ConversationQuery,
    VisitorQuery,
    VisitorSessionQuery,
    WidgetQuery,
    TeamQuery,
    CannedResponseQuery,
    SavedViewQuery,
    ContentQuery,
    PreviewQuery,
    FileQuery,
    MomentQuery,
    IdentitySecretQuery,
    IntegrationQuery,
    ReportingQuery,
    CampaignQuery,
    ConsentQuery,
    MetricQuery,
    TrackingQuery,
    SendingQuery,
    DeliveryQuery,
):
    """The root of queries."""


@strawberry.type(description="What can be changed.")
class Mutation(
    AccountMutation,
    CustomerMutation,
    EventMutation,
    SegmentMutation,
    ConversationMutation,
    VisitorMutation,
    WidgetMutation,
    TeamMutation,
    CannedResponseMutation,
    SavedViewMutation,
    ContentMutation,
    MomentMutation,
    IntegrationMutation,
    SendingDomainMutation,
    ReportingMutation,
    CampaignMutation,
    ExperimentMutation,
    CallMutation,
    ConsentMutation,
    SendingMutation,
    DeliveryMutation,
):
    """The root of mutations."""


@strawberry.type(
    description="What can be followed. Every payload has a cursor; after it, nothing is missed or doubled."
)
class Subscription(
    CustomerSubscription,
    EventSubscription,
    SegmentSubscription,
    ConversationSubscription,
    VisitorSubscription,
    MomentSubscription,
    DeliverySubscription,
    CampaignSubscription,
):
    """The root of subscriptions."""


schema = strawberry.Schema(Query, Mutation, Subscription, types=[*BY_NOUN.values()], config=strawberry_config())


def _describe_inputs() -> None:
    """The one argument of a mutation is what its type says."""
    assert schema._schema.mutation_type is not None
    for definition in schema._schema.mutation_type.fields.values():
        for argument in definition.args.values():
            argument.description = get_named_type(argument.type).description


_describe_inputs()
prepare_inputs(schema)
plan_root_fields(schema._schema)
foresee_payloads(schema._schema)


def schema_text() -> str:
    """The schema in GraphQL's own language, as exported to ``schema.graphql``."""
    return schema.as_str() + "\n"
