import itertools

import pytest

from earmark_core.access import may, require
from earmark_core.errors import NotAllowed
from earmark_core.model import SYSTEM, Actor, Role


@pytest.mark.parametrize(("have", "need"), list(itertools.product(Role, Role)))
def test_a_role_may_do_what_it_and_every_lower_one_may(have, need):
    order = ["viewer", "responder", "approver", "manager", "admin"]
    actor = Actor("Ann", have, 1)
    if order.index(have) >= order.index(need):
        assert may(actor, need)
        require(actor, need, "claim a case")
    else:
        assert not may(actor, need)
        with pytest.raises(NotAllowed):
            require(actor, need, "claim a case")


def test_a_refusal_says_who_may_not_do_what_and_whom_to_ask():
    with pytest.raises(NotAllowed) as error:
        require(Actor("Ann", Role.viewer, 1), Role.approver, "approve a reply")
    assert str(error.value) == (
        "A viewer may not approve a reply. Ask a manager to do it, or for the role of an approver."
    )


def test_the_product_itself_may_do_everything():
    require(SYSTEM, Role.admin, "remove a person")
