"""What a page may call to answer; the rest of what it may call is in `contracts`."""

from typing import Any, Protocol

from earmark_core.model import Actor


class RepliesService(Protocol):
    """Sends replies on their way."""

    def send(
        self,
        actor: Actor,
        case_id: int,
        body: str,
        seen_mention_id: int | None,
        version: int,
        *,
        copy_id: int | None = None,
    ) -> Any:
        """Sends, or asks for approval where the policy wants it; to the copy that is named."""
        ...

    def approve(self, actor: Actor, reply_id: int) -> Any:
        """Lets a waiting reply go out."""
        ...

    def cancel(self, actor: Actor, reply_id: int) -> Any:
        """Keeps a reply from going out."""
        ...

    def retry(self, actor: Actor, reply_id: int) -> Any:
        """Tries a failed reply again."""
        ...

    def confirm_posted(self, actor: Actor, reply_id: int, url: str = "") -> Any:
        """Records that a doubtful reply is out after all: a person saw it."""
        ...

    def confirm_by_hand(
        self, actor: Actor, case_id: int, body: str, url: str = "", *, copy_id: int | None = None
    ) -> Any:
        """Records a reply that a person posted themselves."""
        ...
