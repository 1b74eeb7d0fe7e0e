"""Who acts on a machine of one's own: the person named in the settings."""

from sqlmodel import col, select

from earmark_core.clock import Clock
from earmark_core.model import Actor, Role
from earmark_core.store import Store
from earmark_core.tables import Person


def local_actor(store: Store, clock: Clock, name: str) -> Actor:
    """Gives the person of that name, made an admin if nobody has that name yet.

    Whoever can start earmark here can open its database: there is nobody to keep out. A role
    that was given to them in a seed is kept.
    """
    with store.read() as session:
        person = session.exec(select(Person).where(col(Person.name) == name)).one_or_none()
        if person is not None:
            return Actor(person.name, Role(person.role), person.id)
    with store.write() as session:
        session.execute(
            store.insert(Person)
            .values(name=name, role=Role.admin, is_active=True, created_at=clock())
            .on_conflict_do_nothing()
        )
    return local_actor(store, clock, name)
