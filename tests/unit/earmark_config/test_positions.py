"""The line of a key, whatever the text around it looks like."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from earmark_config.positions import line_at, lines_of

TEXT = '''# a comment
top = 1
"quoted key" = 2
a.b.c = 3
many = [
  1,
  2, # two
]
text = """
[not.a.table]
key = "no key"
"""
inline = { x = 1, y = [ { z = 2 } ] }

[table]
[table.inner]
k = 1
[[brand]]
name = "one"
[[brand.monitor]]
query = "a"
[[brand.monitor]]
query = "b"
[brand.policy]
n = 1
[[brand]]
name = "two"
[[brand.monitor]]
query = "c"
'''


def test_every_kind_of_key_has_its_line() -> None:
    found = lines_of(TEXT)
    assert found["top",] == 2
    assert found["quoted key",] == 3
    assert found["a", "b", "c"] == 4
    assert found["many",] == 5
    assert found["text",] == 9
    assert found["inline", "y", 0, "z"] == 13
    assert found["table", "inner", "k"] == 17
    assert found["brand", 0, "monitor", 1, "query"] == 23
    assert found["brand", 0, "policy", "n"] == 25
    assert found["brand", 1, "name"] == 27
    assert found["brand", 1, "monitor", 0, "query"] == 29
    assert ("not", "a", "table") not in found


def test_a_missing_key_has_the_line_of_its_table() -> None:
    assert line_at(TEXT, ("brand", 1, "monitor", 0, "name")) == 28
    assert line_at(TEXT, ("nowhere",)) is None


NAMES = st.text("abc_-", min_size=1, max_size=4)
VALUES = st.sampled_from(["1", '"x"', "[1, 2]", "[\n1,\n2\n]", '"""\n[x]\ny = 1\n"""', "{ q = 1 }"])


@given(
    st.lists(
        st.tuples(NAMES, VALUES, st.sampled_from(["", "# note\n", "\n\n"])),
        unique_by=lambda entry: entry[0],
    )
)
def test_every_key_that_is_parsed_is_found_on_a_line_that_begins_with_it(entries) -> None:
    text = "".join(f"{before}{name} = {value}\n" for name, value, before in entries)
    lines = text.split("\n")
    for name in tomllib.loads(text):
        assert lines[lines_of(text)[name,] - 1].startswith(f"{name} = ")
