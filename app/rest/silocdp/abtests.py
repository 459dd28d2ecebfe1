"""SiloCDP ``/abtests``: experiments of campaigns."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from app.actions import campaigns, content
from app.actions.campaigns import ExperimentSettings, GroupShare
from app.core.access import Scope
from app.core.ids import parse_id, public_id
from app.core.tx import Tx
from app.rest.door import Call, Endpoint
from app.rest.silocdp.contents import Content, save_content, shown_content
from app.rest.silocdp.drafts import DraftSaved
from app.rest.silocdp.wire import Paged, PageQuery, Required, Wire, moment, paged
from models import Campaign, Experiment

TAG = "A/B Tests"
PER_MILLE = 1000
FIELDS = {
    "experiment_id": "id",
    "campaign_id": "campaignId",
    "groups": "variants",
    "sample_share": "sampleShare",
    "decides_after_s": "decidesAfterSeconds",
}
Metric = Literal["opened", "clicked", "converted"]


class Variant(Wire):
    name: Required
    share: float = Field(ge=0, le=1, description="Of those who take part; the shares are 1 together.")
    content: Content | None = Field(
        None, description="What this variant says over the campaign's first channel. Left out: it stays as it is."
    )


class TestChanges(Wire):
    """What is left out stays as it is."""

    __test__ = False

    name: str | None = None
    variants: list[Variant] | None = Field(None, description="All of them: 2 to 10, until the test runs.")
    metric: Metric | None = Field(None, description="Which rate decides: of people, not of machines.")
    sample_share: float | None = Field(
        None, gt=0, le=1, description="Of the audience; the others wait for the winner. Only of one-off campaigns."
    )
    confidence: float | None = Field(None, ge=0.5, lt=1, description="How sure the winner must be. Default: 0.95.")
    automatic: bool | None = Field(None, description="Whether it decides by itself when its time has come.")
    decides_after_seconds: int | None = Field(None, description="After the launch. Default: 4 hours.")
    winner: int | None = Field(None, description="Decides a running test: the place of the variant, from 0.")


class NewTest(TestChanges):
    __test__ = False

    campaign_id: Required = Field(description="A notification or campaign (`cmp_…`) that is a draft.")
    variants: list[Variant]
    winner: None = None


class TestRow(Wire):
    __test__ = False

    id: str
    name: str
    campaign_id: str
    status: str = Field(description="`draft`, `running` or `decided`.")
    metric: str
    sample_share: float
    confidence: float
    automatic: bool
    decides_after_seconds: int
    decides_at: str | None
    decided_at: str | None
    winner: int | None = Field(description="Of a decided one; null: none was better with this confidence.")
    created_at: str | None
    updated_at: str | None


class Results(Wire):
    """What came of a variant; `low` and `high` are what bounds its rate with the wanted confidence."""

    sent: int
    hits: int
    rate: float
    low: float
    high: float
    p_value: float | None = Field(description="How probable it is that it is worse than the best by chance alone.")


class VariantShown(Wire):
    name: str
    share: float
    content: Content | None
    results: Results


class Test(TestRow):
    __test__ = False

    variants: list[VariantShown]


async def list_tests(call: Call[None, PageQuery]) -> Paged[TestRow]:
    query = call.query
    async with call.read() as reading:
        page = await campaigns.list_experiments(reading, limit=query.page_size, offset=query.offset)
    return paged([TestRow(**_row(one)) for one in page.items], page.total, query)


async def get_test(call: Call[None, None]) -> Test:
    experiment_id = parse_id("experiment", call.path["id"])
    async with call.read() as reading:
        experiment = await campaigns.get_experiment(reading, experiment_id=experiment_id)
        groups = await campaigns.groups_of(reading, experiment_id=experiment_id)
        verdict = await campaigns.experiment_result(reading, experiment_id=experiment_id)
        campaign = await campaigns.get_campaign(reading, campaign_id=experiment.campaign_id)
        contents = await content.list_contents(reading, campaign_id=campaign.id)
    said = {one.test_group: Content(**shown_content(one)) for one in contents
            if one.channel == campaign.channels[0] and not one.language}  # fmt: skip
    results = {
        one.position: Results(
            sent=one.sent, hits=one.hits, rate=one.rate, low=one.low, high=one.high, p_value=one.p_value
        )
        for one in verdict.groups
    }
    variants = [
        VariantShown(
            name=group.name,
            share=group.share / PER_MILLE,
            content=said.get(group.position),
            results=results[group.position],
        )
        for group in groups
    ]
    return Test(**_row(experiment), variants=variants)


async def create_test(call: Call[NewTest, None]) -> DraftSaved:
    body = call.body
    campaign_id = parse_id("campaign", body.campaign_id, "campaignId")
    async with call.write() as tx:
        campaign = await campaigns.get_campaign(tx, campaign_id=campaign_id)
        made = await campaigns.create_experiment(
            tx, campaign_id=campaign_id, groups=_groups(body.variants), **_settings(body)
        )
        await _say(tx, campaign, body.variants)
    return DraftSaved(id=public_id("experiment", made))


async def update_test(call: Call[TestChanges, None]) -> DraftSaved:
    body = call.body
    experiment_id = parse_id("experiment", call.path["id"])
    async with call.write() as tx:
        experiment = await campaigns.get_experiment(tx, experiment_id=experiment_id)
        groups = None if body.variants is None else _groups(body.variants)
        await campaigns.update_experiment(tx, experiment_id=experiment_id, groups=groups, **_settings(body))
        if body.variants is not None:
            campaign = await campaigns.get_campaign(tx, campaign_id=experiment.campaign_id)
            await _say(tx, campaign, body.variants)
        if body.winner is not None:
            await campaigns.decide_experiment(tx, experiment_id=experiment_id, winner=body.winner)
    return DraftSaved(id=public_id("experiment", experiment_id))


async def delete_test(call: Call[None, None]) -> None:
    async with call.write() as tx:
        await campaigns.delete_experiment(tx, experiment_id=parse_id("experiment", call.path["id"]))


def _groups(variants: Sequence[Variant]) -> list[GroupShare]:
    """The groups in whole per mille: what is lost by rounding is the last one's."""
    shares = [round(variant.share * PER_MILLE) for variant in variants]
    lost = PER_MILLE - sum(shares)
    if shares and abs(lost) < len(shares):
        shares[-1] += lost
    return [GroupShare(variant.name, share) for variant, share in zip(variants, shares, strict=True)]


def _settings(body: TestChanges) -> ExperimentSettings:
    said: dict[str, Any] = {
        "name": body.name,
        "metric": body.metric,
        "automatic": body.automatic,
        "decides_after_s": body.decides_after_seconds,
        "sample_share": None if body.sample_share is None else round(body.sample_share * PER_MILLE),
        "confidence": None if body.confidence is None else round(body.confidence * PER_MILLE),
    }
    return {key: value for key, value in said.items() if value is not None}  # type: ignore[return-value]


async def _say(tx: Tx, campaign: Campaign, variants: Sequence[Variant]) -> None:
    for place, variant in enumerate(variants):
        if variant.content is not None:
            at = f"variants.{place}.content"
            await save_content(tx, campaign.id, campaign.channels[0], variant.content, at, group=place)


def _row(experiment: Experiment) -> dict[str, Any]:
    return {
        "id": public_id("experiment", experiment.id),
        "name": experiment.name,
        "campaign_id": public_id("campaign", experiment.campaign_id),
        "status": experiment.state,
        "metric": experiment.metric,
        "sample_share": experiment.sample_share / PER_MILLE,
        "confidence": experiment.confidence / PER_MILLE,
        "automatic": experiment.automatic,
        "decides_after_seconds": experiment.decides_after_s,
        "decides_at": moment(experiment.decides_at),
        "decided_at": moment(experiment.decided_at),
        "winner": experiment.winner,
        "created_at": moment(experiment.created_at),
        "updated_at": moment(experiment.updated_at),
    }


ONE = "/api/v1/abtests/{id}"
ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/v1/abtests",
        handler=list_tests,
        tag=TAG,
        summary="List A/B tests, the newest first",
        scope=Scope.CAMPAIGNS_READ,
        query=PageQuery,
        response=Paged[TestRow],
    ),
    Endpoint(
        method="GET",
        path=ONE,
        handler=get_test,
        tag=TAG,
        summary="Get a test with the results of its variants",
        scope=Scope.CAMPAIGNS_READ,
        response=Test,
        fields=FIELDS,
    ),
    Endpoint(
        method="POST",
        path="/api/v1/abtests",
        handler=create_test,
        tag=TAG,
        summary="Create an A/B test",
        scope=Scope.CAMPAIGNS_WRITE,
        body=NewTest,
        response=DraftSaved,
        fields=FIELDS,
    ),
    Endpoint(
        method="PUT",
        path=ONE,
        handler=update_test,
        tag=TAG,
        summary="Update or decide a test",
        scope=Scope.CAMPAIGNS_WRITE,
        body=TestChanges,
        response=DraftSaved,
        fields=FIELDS,
    ),
    Endpoint(
        method="DELETE",
        path=ONE,
        handler=delete_test,
        tag=TAG,
        summary="Delete a test that is not running",
        scope=Scope.CAMPAIGNS_WRITE,
        fields=FIELDS,
    ),
)
