"""The channels over which messages go: one interface, and a provider for each kind of integration."""

from app.channels.carrying import Outcome, Outgoing, Provider, Result, Target

__all__ = ["Outcome", "Outgoing", "Provider", "Result", "Target"]
