"""Who may do what. Asked by every service function, on every call."""

from earmark_core.errors import NotAllowed
from earmark_core.model import Actor, Role


def may(actor: Actor, role: Role) -> bool:
    """Says whether *actor* holds *role* or a higher one."""
    return actor.role.rank >= role.rank


def require(actor: Actor, role: Role, doing: str) -> None:
    """Lets *actor* go on, or raises `NotAllowed` when their role is below *role*.

    *doing* is said to the person as it stands, after "may not": "claim a case".
    """
    if may(actor, role):
        return
    raise NotAllowed(
        f"{_with_article(actor.role).capitalize()} may not {doing}.",
        hint=f"Ask a manager to do it, or for the role of {_with_article(role)}.",
    )


def _with_article(role: Role) -> str:
    return f"{'an' if role[0] in 'aeiou' else 'a'} {role}"
