"""The rows. One thing, one class: no mirror classes, no mapping layer."""

from earmark_core.tables.brands import Brand, Monitor, Person, Policy, SavedReply
from earmark_core.tables.budgets import Budget
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
from earmark_core.tables.traces import (
    CopyGroup,
    HookDelivery,
    InstallationKey,
    NearKey,
    Tombstone,
)

__all__ = [
    "Aspect",
    "AuditEntry",
    "Brand",
    "BrandModel",
    "Budget",
    "Case",
    "CaseMention",
    "Contact",
    "CopyGroup",
    "Correction",
    "Draft",
    "Heartbeat",
    "HookDelivery",
    "Identity",
    "InstallationKey",
    "Job",
    "LexiconChange",
    "Match",
    "Mention",
    "MentionRevision",
    "Monitor",
    "NearKey",
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
    "Tombstone",
    "Topic",
    "UtcDateTime",
]
