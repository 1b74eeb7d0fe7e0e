"""The rows. One thing, one class: no mirror classes, no mapping layer."""

from earmark_core.tables.brands import Brand, Monitor, Person, Policy, SavedReply
from earmark_core.tables.cases import (
    Case,
    CaseMention,
    Contact,
    Draft,
    Identity,
    Note,
    SlaClock,
)
from earmark_core.tables.columns import UtcDateTime
from earmark_core.tables.learned import BrandModel, LexiconChange, ScoreChange
from earmark_core.tables.mentions import (
    Correction,
    Match,
    Mention,
    MentionRevision,
    RawPayload,
    RollupHour,
    RollupModel,
)
from earmark_core.tables.records import AuditEntry, Heartbeat, Job
from earmark_core.tables.replies import Reply
from earmark_core.tables.sources import PollWindow, Quarantine, Source
from earmark_core.tables.topics import Aspect, Topic

__all__ = [
    "Aspect",
    "AuditEntry",
    "Brand",
    "BrandModel",
    "Case",
    "CaseMention",
    "Contact",
    "Correction",
    "Draft",
    "Heartbeat",
    "Identity",
    "Job",
    "LexiconChange",
    "Match",
    "Mention",
    "MentionRevision",
    "Monitor",
    "Note",
    "Person",
    "Policy",
    "PollWindow",
    "Quarantine",
    "RawPayload",
    "Reply",
    "RollupHour",
    "RollupModel",
    "SavedReply",
    "ScoreChange",
    "SlaClock",
    "Source",
    "Topic",
    "UtcDateTime",
]
