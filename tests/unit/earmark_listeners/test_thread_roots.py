"""One key for all that belongs to a thread, as far as it was heard."""

from typing import Any

from earmark_listeners import thread_roots
from earmark_listeners.thread_roots import Roots


def test_what_answers_an_answer_belongs_to_the_first_post():
    roots = Roots({}, "here")
    assert roots.root("1", "") == "1"
    assert roots.root("2", "1") == "1"
    assert roots.root("3", "2") == "1"


def test_where_the_post_above_was_not_heard_it_stands_for_the_first():
    roots = Roots({}, "here")
    assert roots.root("9", "8") == "8"
    assert roots.root("10", "9") == "8"


def test_it_outlives_the_listener_and_each_place_has_its_own():
    memory: dict[str, Any] = {}
    Roots(memory, "here").root("2", "1")
    assert Roots(memory, "here").root("3", "2") == "1"
    assert Roots(memory, "there").root("3", "2") == "2"


def test_only_so_many_are_kept_and_the_oldest_go_first(monkeypatch):
    monkeypatch.setattr(thread_roots, "_MOST", 2)
    roots = Roots({}, "here")
    for post, answered in (("2", "1"), ("3", "2"), ("4", "3")):
        roots.root(post, answered)
    assert roots.root("6", "4") == "1"
    assert roots.root("5", "2") == "2"
