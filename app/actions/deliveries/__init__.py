"""Deliveries: one message to one person each, from its preparation to what came back."""

from app.actions.deliveries.telling import DeliveryEvent, tell_campaign, tell_deliveries

__all__ = ["DeliveryEvent", "tell_campaign", "tell_deliveries"]
