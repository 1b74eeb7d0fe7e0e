"""Deliveries from any program that can sign JSON and send it."""

from earmark_listeners.channels.webhook.listener import Webhook

__all__ = ["Webhook"]
