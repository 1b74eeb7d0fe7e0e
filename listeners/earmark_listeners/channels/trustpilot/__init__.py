"""Reviews of a company on Trustpilot, with replies."""

from earmark_listeners.channels.trustpilot.listening import Trustpilot
from earmark_listeners.channels.trustpilot.options import TrustpilotOptions

__all__ = ["Trustpilot", "TrustpilotOptions"]
