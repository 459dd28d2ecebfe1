"""Changing integrations."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import strawberry

from app.actions import integrations as actions
from app.channels import Result
from app.core.access import Scope
from app.core.ids import parse_id, public_id
from app.runtime.probing import try_integration, verify_domain
from resolvers.context import Info
from resolvers.integrations.types import DnsRecord, Integration, MessageChannel, SendResult, shown_record
from resolvers.leave import mutation
from resolvers.planner.declare import Ref
from resolvers.scalars import JSON
from resolvers.widgets.types import Domain


@strawberry.input(description="A new integration.")
class CreateIntegrationInput:
    """What it is, and what it must be told."""

    name: str = strawberry.field(description="What it is called.")
    kind: str = strawberry.field(description="What it is, as integrationKinds lists them.")
    channel: MessageChannel | None = strawberry.field(
        default=None, description="The channel it carries; may be left out where its kind has one."
    )
    settings: JSON | None = strawberry.field(default=None, description="How it is used, as its kind's schema says.")
    credentials: JSON | None = strawberry.field(
        default=None, description="Passwords and keys. They are encrypted and never shown again."
    )
    is_default: bool | None = strawberry.field(
        default=None, description="Whether its channel goes over it; left out: if it is the first of its channel."
    )
    is_enabled: bool = strawberry.field(default=True, description="Whether messages may go over it now.")


@strawberry.input(description="What changes about an integration. What is left out stays.")
class UpdateIntegrationInput:
    """An integration and what is new."""

    integration_id: strawberry.ID = strawberry.field(description="The integration.")
    name: str | None = strawberry.field(default=None, description="What it is called.")
    settings: JSON | None = strawberry.field(
        default=None, description="Each name replaces the setting there was; null gives its default back."
    )
    credentials: JSON | None = strawberry.field(
        default=None,
        description="Each name replaces the secret there was; null forgets it. To be given again by whoever changes "
        "where they go.",
    )
    is_default: bool | None = strawberry.field(default=None, description="Whether its channel goes over it.")
    is_enabled: bool | None = strawberry.field(default=None, description="Whether messages may go over it now.")


@strawberry.input(description="An integration that is to be deleted. Its credentials are forgotten.")
class DeleteIntegrationInput:
    """Which one."""

    integration_id: strawberry.ID = strawberry.field(description="The integration.")


@strawberry.input(description="One test message over an integration.")
class TestIntegrationInput:
    """Which one, and to whom."""

    integration_id: strawberry.ID = strawberry.field(description="The integration.")
    to: str = strawberry.field(description="An address as its channel has it; of push a token.")
    sender: str = strawberry.field(default="", description="From whom an e-mail comes: Shop <news@shop.example>.")


@strawberry.type(description="What became of a test message.")
class TestIntegrationPayload:
    """What the provider said, and the integration."""

    result: SendResult = strawberry.field(description="What became of it.")
    code: str = strawberry.field(description="The provider's code.")
    detail: str = strawberry.field(description="The provider's words.")
    integration: Integration = strawberry.field(description="The integration as it is now.")


@strawberry.input(description="A domain for mail and tracked links.")
class AddSendingDomainInput:
    """Its name."""

    name: str = strawberry.field(description="One host name, such as example.com.")


@strawberry.input(description="One domain for mail and tracked links.")
class SendingDomainInput:
    """Which one."""

    domain_id: strawberry.ID = strawberry.field(description="The domain.")


@strawberry.type(description="A domain, and the records that its owner is to set.")
class SendingDomainPayload:
    """The domain as it is now, and its records."""

    domain: Domain = strawberry.field(description="The domain as it is now.")
    records: list[DnsRecord] = strawberry.field(description="What its DNS is to say.")


@strawberry.type(description="Which domain is no longer one for mail.")
class RemoveSendingDomainPayload:
    """The id that was, or is one of widgets now."""

    domain_id: strawberry.ID = strawberry.field(description="The domain.")


@strawberry.type(description="An integration after a change.")
class IntegrationPayload:
    """The integration as it is now."""

    integration: Integration = strawberry.field(description="The integration as it is now.")


@strawberry.type(description="Which integration was deleted.")
class DeleteIntegrationPayload:
    """The id that was."""

    integration_id: strawberry.ID = strawberry.field(description="The integration that was deleted.")


@strawberry.type
class IntegrationMutation:
    """Changes to integrations."""

    @mutation(Scope.INTEGRATIONS_WRITE, "Makes an integration.")
    async def create_integration(self, info: Info, input: CreateIntegrationInput) -> IntegrationPayload:
        settings: Any = input.settings
        credentials: Any = input.credentials
        async with info.context.write() as tx:
            integration = await actions.create_integration(
                tx,
                name=input.name,
                kind=input.kind,
                channel=input.channel.value if input.channel else None,
                settings=settings,
                credentials=credentials,
                is_default=input.is_default,
                is_enabled=input.is_enabled,
            )
        return IntegrationPayload(integration=Ref(Integration, integration.id))  # type: ignore[arg-type]

    @mutation(Scope.INTEGRATIONS_WRITE, "Changes an integration.")
    async def update_integration(self, info: Info, input: UpdateIntegrationInput) -> IntegrationPayload:
        key = parse_id("integration", input.integration_id, "integration_id")
        settings: Any = input.settings
        credentials: Any = input.credentials
        async with info.context.write() as tx:
            await actions.update_integration(
                tx,
                integration_id=key,
                name=input.name,
                settings=settings,
                credentials=credentials,
                is_default=input.is_default,
                is_enabled=input.is_enabled,
            )
        return IntegrationPayload(integration=Ref(Integration, key))  # type: ignore[arg-type]

    @mutation(Scope.INTEGRATIONS_WRITE, "Deletes an integration and forgets its credentials.")
    async def delete_integration(self, info: Info, input: DeleteIntegrationInput) -> DeleteIntegrationPayload:
        key = parse_id("integration", input.integration_id, "integration_id")
        async with info.context.write() as tx:
            await actions.delete_integration(tx, integration_id=key)
        return DeleteIntegrationPayload(integration_id=strawberry.ID(public_id("integration", key)))

    @mutation(Scope.INTEGRATIONS_WRITE, "Sends one test message over an integration, whether it is in use or not.")
    async def test_integration(self, info: Info, input: TestIntegrationInput) -> TestIntegrationPayload:
        key = parse_id("integration", input.integration_id, "integration_id")
        context = info.context
        outcome = await try_integration(
            context.runtime, context.principal, integration_id=key, to=input.to, sender=input.sender
        )
        return TestIntegrationPayload(
            result=SendResult(Result(outcome.result).value),
            code=outcome.code,
            detail=outcome.detail,
            integration=Ref(Integration, key),  # type: ignore[arg-type]
        )


@strawberry.type
class SendingDomainMutation:
    """Changes to domains for mail."""

    @mutation(
        Scope.INTEGRATIONS_WRITE, "Makes a domain one for mail and tracked links, and says what its DNS is to say."
    )
    async def add_sending_domain(self, info: Info, input: AddSendingDomainInput) -> SendingDomainPayload:
        async with info.context.write() as tx:
            domain = await actions.add_sending_domain(tx, name=input.name)
            records = actions.dns_records(tx.services.settings, domain)
        return _domain(domain.id, records)

    @mutation(Scope.INTEGRATIONS_WRITE, "Looks up a domain's records and keeps what they prove.")
    async def verify_sending_domain(self, info: Info, input: SendingDomainInput) -> SendingDomainPayload:
        key = parse_id("domain", input.domain_id, "domain_id")
        records = await verify_domain(info.context.runtime, info.context.principal, domain_id=key)
        return _domain(key, records)

    @mutation(Scope.INTEGRATIONS_WRITE, "Gives a domain another key. Its mail goes unsigned until the new one is seen.")
    async def rotate_dkim_key(self, info: Info, input: SendingDomainInput) -> SendingDomainPayload:
        key = parse_id("domain", input.domain_id, "domain_id")
        async with info.context.write() as tx:
            domain = await actions.rotate_dkim_key(tx, domain_id=key)
            records = actions.dns_records(tx.services.settings, domain)
        return _domain(key, records)

    @mutation(Scope.INTEGRATIONS_WRITE, "Ends a domain's use for mail and links. Its pages carry widgets as before.")
    async def remove_sending_domain(self, info: Info, input: SendingDomainInput) -> RemoveSendingDomainPayload:
        key = parse_id("domain", input.domain_id, "domain_id")
        async with info.context.write() as tx:
            await actions.remove_sending_domain(tx, domain_id=key)
        return RemoveSendingDomainPayload(domain_id=strawberry.ID(public_id("domain", key)))


def _domain(key: UUID, records: Sequence[actions.DnsRecord]) -> SendingDomainPayload:
    shown = [shown_record(record) for record in records]
    return SendingDomainPayload(domain=Ref(Domain, key), records=shown)  # type: ignore[arg-type]
