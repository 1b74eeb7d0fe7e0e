"""The chart of topics: how much each is spoken of, and what is found of it."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from earmark_dashboard.charts import LABELS, Rows, data_of, pick
from earmark_dashboard.theme import INK, LABEL_COLOURS
from earmark_sentiment.trends import TopicTrend

MOST = 12
_FINDINGS = LABELS[:3]
_TIP = [
    alt.Tooltip("name:N", title="Topic"),
    alt.Tooltip("label:N", title="Finding"),
    alt.Tooltip("mentions:Q", title="Mentions"),
    alt.Tooltip("n:Q", title="of"),
    alt.Tooltip("net:Q", title="Net sentiment", format="+.1f"),
    alt.Tooltip("low:Q", title="95 % from", format="+.1f"),
    alt.Tooltip("high:Q", title="to", format="+.1f"),
    alt.Tooltip("unscored:Q", title="Not scored"),
]


def by_topic(topics: Sequence[TopicTrend]) -> Rows:
    """Gives one row for each topic, with n and interval."""
    return [
        {
            "area": one.area,
            "topic": one.topic,
            "net": one.tally.net,
            "low": one.tally.low,
            "high": one.tally.high,
            "n": one.tally.n,
            **{label: getattr(one.tally, label) for label in LABELS},
        }
        for one in topics
    ]


def _signed(net: int) -> str:
    return f"{net:+}".replace("-", "−") if net else "0"


def _parts(row: dict[str, Any]) -> Rows:
    """Gives the bars of one topic: what is neutral stands half on either side of the middle."""
    half = row["neutral"] / 2
    edges = {
        "negative": (-half - row["negative"], -half),
        "neutral": (-half, half),
        "positive": (half, half + row["positive"]),
    }
    net = "–" if row["net"] is None else _signed(round(row["net"]))
    return [
        {
            **row,
            "name": f"{row['area']} · {row['topic']}",
            "label": label,
            "mentions": row[label],
            "from": begin,
            "to": end,
            "end": half + row["positive"],
            "words": f"{net} · n {row['n']:,}",
        }
        for label, (begin, end) in edges.items()
    ]


def topics(rows: Rows, mode: str) -> Any:
    """Gives the most spoken of topics: what is found of them, to the left or the right.

    *rows* are those of `by_topic`. A bar opens the mentions behind it.
    """
    long = [part for row in rows[:MOST] for part in _parts(row)]
    names = list(dict.fromkeys(part["name"] for part in long))
    left = min([part["from"] for part in long], default=0)
    right = max([part["end"] for part in long], default=0)
    # Room for the words at the end of the longest bar.
    reach = alt.Scale(domain=[left, right + 0.35 * max(right - left, 1)], nice=False)
    base = alt.Chart(data_of(long)).encode(
        y=alt.Y("name:N", sort=names, title=None, axis=alt.Axis(labelLimit=170))
    )
    colours = alt.Scale(domain=list(_FINDINGS), range=[LABEL_COLOURS[one] for one in _FINDINGS])
    bars = base.mark_bar(size=16).encode(
        x=alt.X("from:Q", scale=reach, axis=None),
        x2="to:Q",
        color=alt.Color("label:N", scale=colours, legend=alt.Legend(title=None, orient="bottom")),
        tooltip=_TIP,
    )
    words = (
        base.transform_filter("datum.label === 'positive'")
        .mark_text(align="left", dx=8, fontSize=12, color=INK[mode])
        .encode(x=alt.X("end:Q", scale=reach, axis=None), text="words:N")
    )
    middle = alt.Chart(data_of([{"from": 0}])).mark_rule(color=INK[mode], opacity=0.6)
    middle = middle.encode(x=alt.X("from:Q", scale=reach, axis=None))
    layers = [bars.add_params(pick("area", "topic")), middle, words]
    return alt.layer(*layers).properties(height=50 + 30 * max(len(names), 1))
