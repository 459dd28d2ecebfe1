"""Every mutation about campaigns in a table, as :mod:`tests.graph.mutations` has the others."""

from dataclasses import dataclass

from app.actions.campaigns import create_campaign, create_experiment, launch_campaign
from app.actions.campaigns.experiments import GroupShare
from app.actions.content import set_content
from app.core.access import Scope
from app.core.ids import new_id, public_id
from tests.graph.callers import Caller
from tests.graph.mutations import PRO
from tests.graph.mutations import Mutation as _Mutation

WRITE, SEND = Scope.CAMPAIGNS_WRITE, Scope.CAMPAIGNS_SEND
HALVES = [GroupShare("A", 500), GroupShare("B", 500)]


@dataclass(frozen=True)
class Plans:
    """Public ids of one tenant's campaigns, named by where they are in their lives, and of experiments."""

    draft: str
    spare: str
    launchable: str
    sending: str
    paused: str
    triggered: str
    transactional: str
    experiment: str
    tried: str
    customer: str


class Mutation(_Mutation):
    """As the others; the input is made of :class:`Plans`."""


def unknown_plans() -> Plans:
    """Ids of nothing."""
    nouns = (*["campaign"] * 7, "experiment", "experiment", "customer")
    return Plans(*(public_id(noun, new_id()) for noun in nouns))


async def make_plans(owner: Caller) -> Plans:
    """Campaigns in every place of their lives, in the caller's tenant."""
    made = await owner.data(
        'mutation { identifyCustomer(input: {externalId: "pro", attributes: {plan: "pro"}}) { customer { id } } }'
    )
    kinds = ["one_off"] * 5 + ["triggered", "transactional"]
    async with owner.house.write(owner.principal) as tx:
        keys = []
        for number, kind in enumerate(kinds):
            key = await create_campaign(tx, name=f"C{number}", kind=kind, channels=["sms"], audience=PRO)
            for group in (0, 1):
                await set_content(
                    tx, campaign_id=key, channel="sms", test_group=group, values={"body": f"Hi from group {group}"}
                )
            keys.append(key)
        experiments = [await create_experiment(tx, campaign_id=key, groups=HALVES) for key in (keys[1], keys[5])]
        for key in keys[3:]:
            await launch_campaign(tx, campaign_id=key)
    await owner.data(
        "mutation($id: ID!) { pauseCampaign(input: {campaignId: $id}) { campaign { id } } }",
        id=public_id("campaign", keys[4]),
    )
    ids = [public_id("campaign", key) for key in keys] + [public_id("experiment", key) for key in experiments]
    return Plans(*ids, made["identifyCustomer"]["customer"]["id"])


AT = "campaignId"
CAMPAIGN = "campaign { number name kind status channels }"
EXPERIMENT = "experiment { number name state metric winner groups { position name share } }"
CAMPAIGNS = {
    "createCampaign": Mutation(
        lambda t: {
            "name": "New", "kind": "RECURRING", "channels": ["EMAIL", "IN_APP"], "audience": PRO,
            "schedule": {"at": "2027-01-04T09:00:00Z", "timezone": "Europe/Rome", "rrule": "FREQ=WEEKLY"},
            "goal": {"event": "purchase", "revenueProperty": "amount"}, "throttlePerSecond": 20, "isTracked": None,
        },
        f"{CAMPAIGN[:-1]} audience schedule goal throttlePerSecond isTracked }}",
        WRITE,
    ),
    "updateCampaign": Mutation(
        lambda t: {"campaignId": t.draft, "name": "Better", "channels": ["SMS", "PUSH"], "audience": None},
        f"{CAMPAIGN[:-1]} audience }}", WRITE, AT,
    ),
    "duplicateCampaign": Mutation(
        lambda t: {"campaignId": t.spare}, f"{CAMPAIGN[:-1]} experiment {{ state }} }}", WRITE, AT
    ),
    "launchCampaign": Mutation(lambda t: {"campaignId": t.launchable}, CAMPAIGN, SEND, AT),
    "pauseCampaign": Mutation(lambda t: {"campaignId": t.sending}, CAMPAIGN, SEND, AT),
    "resumeCampaign": Mutation(lambda t: {"campaignId": t.paused}, CAMPAIGN, SEND, AT),
    "cancelCampaign": Mutation(lambda t: {"campaignId": t.paused}, CAMPAIGN, SEND, AT),
    "archiveCampaign": Mutation(lambda t: {"campaignId": t.draft}, CAMPAIGN, WRITE, AT),
    "createExperiment": Mutation(
        lambda t: {
            "campaignId": t.transactional, "name": "Which?", "metric": "OPENED", "automatic": True,
            "groups": [{"name": "A", "share": 300}, {"name": "B", "share": 700}],
        },
        EXPERIMENT, WRITE, AT,
    ),
    "updateExperiment": Mutation(
        lambda t: {
            "experimentId": t.experiment, "name": "What?",
            "groups": [{"name": "X", "share": 1000}, {"name": "Y", "share": 0}],
        },
        EXPERIMENT, WRITE, "experimentId",
    ),
    "decideExperiment": Mutation(
        lambda t: {"experimentId": t.tried, "winner": 1}, EXPERIMENT, SEND, "experimentId"
    ),
    "deleteExperiment": Mutation(
        lambda t: {"experimentId": t.experiment}, "experimentId", WRITE, "experimentId"
    ),
    "triggerCampaign": Mutation(
        lambda t: {
            "campaignId": t.triggered, "data": {"why": "fire"},
            "people": [{"customer": {"id": t.customer}, "data": {"room": 7}}],
        },
        "run { number state data targeted campaign { name } }", SEND, AT,
    ),
    "sendTransactional": Mutation(
        lambda t: {"channel": "SMS", "campaignId": t.transactional, "customer": {"id": t.customer}, "data": {"n": 1}},
        "deliveryId", SEND, AT,
    ),
    "deleteCampaign": Mutation(lambda t: {"campaignId": t.spare}, "campaignId", WRITE, AT),
}  # fmt: skip
