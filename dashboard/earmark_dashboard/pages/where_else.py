"""The part of the form for one's own brand that asks where else it is spoken of."""

import re

import streamlit as st

from earmark_config.presets import BY_ID, BY_NAME, Elsewhere

_NAMES = {place.key: place.name for place in BY_NAME}


def words_of(line: str) -> tuple[str, ...]:
    """Gives the names in a line, parted by commas or line ends, each once."""
    parts = (part.strip() for part in re.split(r"[,\n;]", line))
    return tuple(dict.fromkeys(part for part in parts if part))


def where_else() -> Elsewhere:
    """Shows the fields, folded away, and gives what is in them; all may be left empty."""
    with st.expander("Where else it is spoken of (optional)"):
        st.text("Numbers, names or links, with commas between. None of these needs a key.")
        given = {
            place.key: words_of(
                st.text_input(
                    place.name,
                    max_chars=1_000,
                    placeholder=place.example,
                    help=place.covers,
                    key=f"start_{place.key}",
                )
            )
            for place in BY_ID
        }
        also = st.multiselect(
            "Also, by name",
            list(_NAMES),
            format_func=lambda key: _NAMES[key],
            help="  \n".join(f"{place.name}: {place.covers}" for place in BY_NAME),
            key="start_also",
        )
    return Elsewhere(**given, also=tuple(also))
