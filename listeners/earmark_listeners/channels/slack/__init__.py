"""Slack: one channel of a workspace with its threads, and replies."""

from earmark_listeners.channels.slack.listening import Slack
from earmark_listeners.channels.slack.options import SlackOptions

__all__ = ["Slack", "SlackOptions"]
