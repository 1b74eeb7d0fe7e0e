"""The charts of Trends. Each is given plain figures and gives an Altair chart."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from earmark_dashboard.theme import ACCENT, INK, LABEL_COLOURS
from earmark_sentiment.trends import TrendPoint

LABELS = ("negative", "neutral", "positive", "unscored")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
PICK = "picked"
HEIGHT = 250
Rows = list[dict[str, Any]]


def by_time(points: Sequence[TrendPoint]) -> Rows:
    """Gives one row for each point, with what a figure needs to be read: n and interval."""
    return [
        {
            "at": point.at,
            "when": f"{point.at:%d %b %H:%M}",
            "net": point.tally.net,
            "low": point.tally.low,
            "high": point.tally.high,
            "n": point.tally.n,
            **{label: getattr(point.tally, label) for label in LABELS},
        }
        for point in points
    ]


def _data(rows: Rows) -> Any:
    """Gives rows as the chart reads them: moments as milliseconds."""
    return {
        "values": [
            {**row, "at": round(row["at"].timestamp() * 1000)} if "at" in row else row
            for row in rows
        ]
    }


def _pick(*fields: str) -> alt.Parameter:
    return alt.selection_point(name=PICK, fields=list(fields), on="click", empty=False)


def _time(points: int) -> alt.X:
    # A bar or band of one day must not be moved by the zone of the reader: buckets are UTC.
    axis = alt.Axis(title=None, format="%d %b", tickCount=min(points, 8), grid=False)
    return alt.X("at:T", axis=axis, scale=alt.Scale(type="utc"))


_TIP = [
    alt.Tooltip("when:N", title="From (UTC)"),
    alt.Tooltip("net:Q", title="Net sentiment", format="+.1f"),
    alt.Tooltip("low:Q", title="95 % from", format="+.1f"),
    alt.Tooltip("high:Q", title="to", format="+.1f"),
    alt.Tooltip("n:Q", title="Mentions"),
    alt.Tooltip("unscored:Q", title="Not scored"),
]


def net_sentiment(rows: Rows, mode: str) -> Any:
    """Gives net sentiment with its interval; points open the mentions behind them."""
    colour = ACCENT[mode]
    x = _time(len(rows))
    base = alt.Chart(_data(rows)).encode(x=x)
    y = alt.Y("net:Q", title="Net sentiment (−100 to +100)")
    band = base.mark_area(opacity=0.16, color=colour).encode(
        y=alt.Y("low:Q", title="Net sentiment (−100 to +100)"), y2="high:Q"
    )
    line = base.mark_line(color=colour, strokeWidth=2).encode(y=y)
    dots = base.mark_circle(size=70, color=colour).encode(y=y, tooltip=_TIP).add_params(_pick("at"))
    zero = alt.Chart(_data([{"net": 0}])).mark_rule(
        strokeDash=[4, 3], color="#98a2b3"
    ).encode(y="net:Q")  # fmt: skip
    return (zero + band + line + dots).properties(height=HEIGHT)


def volume(rows: Rows) -> Any:
    """Gives mentions stacked by label; a bar opens the mentions behind it."""
    long = [
        {
            "at": row["at"],
            "when": row["when"],
            "n": row["n"],
            "label": label,
            "mentions": row[label],
            "order": order,
        }
        for row in rows
        for order, label in enumerate(LABELS)
    ]
    colours = alt.Scale(domain=list(LABELS), range=[LABEL_COLOURS[label] for label in LABELS])
    return (
        alt.Chart(_data(long))
        .mark_bar(size=max(2, min(26, 400 // max(len(rows), 1))))
        .encode(
            x=_time(len(rows)),
            y=alt.Y("mentions:Q", stack=True, title="Mentions"),
            color=alt.Color(
                "label:N", scale=colours, legend=alt.Legend(title=None, orient="bottom")
            ),
            order=alt.Order("order:Q"),
            tooltip=[
                alt.Tooltip("when:N", title="From (UTC)"),
                alt.Tooltip("label:N", title="Tone"),
                alt.Tooltip("mentions:Q", title="Mentions"),
                alt.Tooltip("n:Q", title="of"),
            ],
        )
        .add_params(_pick("at", "label"))
        .properties(height=HEIGHT)
    )


def share_of_voice(rows: Sequence[tuple[str, bool, int]], mode: str) -> Any:
    """Gives each brand's share of all mentions, own brands in the accent."""
    rows = sorted(rows, key=lambda row: -row[2])
    total = sum(n for _, _, n in rows) or 1
    shares = [
        {"brand": name, "own": "other" if rival else "own", "share": 100 * n / total, "n": n}
        for name, rival, n in rows
    ]
    names = [name for name, _, _ in rows]
    base = alt.Chart(_data(shares)).encode(
        y=alt.Y("brand:N", sort=names, title=None, axis=alt.Axis(labelLimit=110)),
        x=alt.X("share:Q", title="% of mentions", scale=alt.Scale(domainMin=0, nice=True)),
    )
    bars = base.mark_bar(cornerRadiusEnd=2).encode(
        color=alt.Color(
            "own:N",
            scale=alt.Scale(domain=["own", "other"], range=[ACCENT[mode], "#98a2b3"]),
            legend=None,
        ),
        tooltip=[
            alt.Tooltip("brand:N", title="Brand"),
            alt.Tooltip("share:Q", title="% of mentions", format=".1f"),
            alt.Tooltip("n:Q", title="Mentions"),
        ],
    )
    words = base.mark_text(align="left", dx=4, fontSize=12, color=INK[mode]).encode(
        text=alt.Text("share:Q", format=".0f")
    )
    return (bars + words).properties(height=HEIGHT)


def hours(rows: Sequence[tuple[int, int, int]]) -> Any:
    """Gives mentions by weekday and hour (UTC)."""
    cells = [{"day": DAYS[day], "hour": hour, "n": n} for day, hour, n in rows]
    return (
        alt.Chart(_data(cells))
        .mark_rect(stroke="#ffffff", strokeWidth=0.6, strokeOpacity=0.35)
        .encode(
            x=alt.X(
                "hour:O",
                title="Hour (UTC)",
                axis=alt.Axis(labelAngle=0, values=[0, 6, 12, 18, 23]),
            ),
            y=alt.Y("day:N", sort=list(DAYS), title=None),
            color=alt.Color(
                "n:Q",
                title="Mentions",
                scale=alt.Scale(scheme="viridis", reverse=True),
                legend=alt.Legend(gradientLength=150, tickCount=3),
            ),
            tooltip=[
                alt.Tooltip("day:N", title="Day"),
                alt.Tooltip("hour:O", title="Hour"),
                alt.Tooltip("n:Q", title="Mentions"),
            ],
        )
        .properties(height=HEIGHT)
    )
