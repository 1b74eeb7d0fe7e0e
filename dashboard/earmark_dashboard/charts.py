"""The charts of Trends. Each is given plain figures and gives an Altair chart."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from earmark_dashboard import figures
from earmark_dashboard.theme import ACCENT, INK, LABEL_COLOURS
from earmark_sentiment.trends import Marker, TrendPoint

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


def by_marker(markers: Sequence[Marker]) -> Rows:
    """Gives one row for each moment at which scores changed model."""
    return [
        {"at": one.at, "when": f"{one.at:%d %b %Y %H:%M}", "what": figures.marked(one)}
        for one in markers
    ]


def data_of(rows: Rows) -> Any:
    """Gives rows as a chart reads them: moments as milliseconds."""
    return {
        "values": [
            {**row, "at": round(row["at"].timestamp() * 1000)} if "at" in row else row
            for row in rows
        ]
    }


def pick(*fields: str) -> alt.Parameter:
    """Gives what makes a click on a mark name these fields of it."""
    return alt.selection_point(name=PICK, fields=list(fields), on="click", empty=False)


def _time(points: int) -> alt.X:
    # A bar or band of one day must not be moved by the zone of the reader: buckets are UTC.
    axis = alt.Axis(title=None, format="%d %b", tickCount=min(points, 8), grid=False)
    return alt.X("at:T", axis=axis, scale=alt.Scale(type="utc"))


def _marked(marks: Rows, mode: str) -> list[alt.Chart]:
    """Gives a rule for each marker, and a flag on it that is wide enough to point at."""
    if not marks:
        return []
    base = alt.Chart(data_of(marks)).encode(
        x=alt.X("at:T", scale=alt.Scale(type="utc")),
        tooltip=[
            alt.Tooltip("when:N", title="At (UTC)"),
            alt.Tooltip("what:N", title="Scores"),
        ],
    )
    rule = base.mark_rule(color=INK[mode], strokeWidth=1.5, strokeDash=[2, 3])
    flag = base.mark_point(
        shape="triangle-down", filled=True, size=110, opacity=1, color=INK[mode]
    ).encode(y=alt.value(5))
    return [rule, flag]


_TIP = [
    alt.Tooltip("when:N", title="From (UTC)"),
    alt.Tooltip("net:Q", title="Net sentiment", format="+.1f"),
    alt.Tooltip("low:Q", title="95 % from", format="+.1f"),
    alt.Tooltip("high:Q", title="to", format="+.1f"),
    alt.Tooltip("n:Q", title="Mentions"),
    alt.Tooltip("unscored:Q", title="Not scored"),
]


def net_sentiment(rows: Rows, mode: str, marks: Rows | None = None) -> Any:
    """Gives net sentiment with its interval; points open the mentions behind them.

    *marks* are the moments from `by_marker` before and after which figures do not compare.
    """
    colour = ACCENT[mode]
    x = _time(len(rows))
    base = alt.Chart(data_of(rows)).encode(x=x)
    y = alt.Y("net:Q", title="Net sentiment (−100 to +100)")
    band = base.mark_area(opacity=0.16, color=colour).encode(
        y=alt.Y("low:Q", title="Net sentiment (−100 to +100)"), y2="high:Q"
    )
    line = base.mark_line(color=colour, strokeWidth=2).encode(y=y)
    dots = base.mark_circle(size=70, color=colour).encode(y=y, tooltip=_TIP).add_params(pick("at"))
    zero = alt.Chart(data_of([{"net": 0}])).mark_rule(
        strokeDash=[4, 3], color="#98a2b3"
    ).encode(y="net:Q")  # fmt: skip
    layers = [zero, band, line, dots, *_marked(marks or [], mode)]
    return alt.layer(*layers).properties(height=HEIGHT)


def volume(rows: Rows, mode: str = "light", marks: Rows | None = None) -> Any:
    """Gives mentions stacked by label, marked as `net_sentiment`; a bar opens what is behind it."""
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
    bars = (
        alt.Chart(data_of(long))
        .mark_bar(size=max(2, min(26, 400 // max(len(rows), 1))))
        .encode(
            x=_time(len(rows)),
            y=alt.Y("mentions:Q", stack=True, title="Mentions"),
            color=alt.Color(
                "label:N",
                scale=colours,
                # Four names have to fit on a phone.
                legend=alt.Legend(
                    title=None, orient="bottom", columnPadding=4, labelFontSize=12, symbolSize=70
                ),
            ),
            order=alt.Order("order:Q"),
            tooltip=[
                alt.Tooltip("when:N", title="From (UTC)"),
                alt.Tooltip("label:N", title="Tone"),
                alt.Tooltip("mentions:Q", title="Mentions"),
                alt.Tooltip("n:Q", title="of"),
            ],
        )
        .add_params(pick("at", "label"))
    )
    return alt.layer(bars, *_marked(marks or [], mode)).properties(height=HEIGHT)


def share_of_voice(rows: Sequence[tuple[str, bool, int]], mode: str) -> Any:
    """Gives each brand's share of all mentions, own brands in the accent."""
    rows = sorted(rows, key=lambda row: -row[2])
    total = sum(n for _, _, n in rows) or 1
    shares = [
        {"brand": name, "own": "other" if rival else "own", "share": 100 * n / total, "n": n}
        for name, rival, n in rows
    ]
    names = [name for name, _, _ in rows]
    base = alt.Chart(data_of(shares)).encode(
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


def hours(rows: Sequence[tuple[int, int, int]], mode: str = "light") -> Any:
    """Gives mentions by weekday and hour (UTC); an hour of none is nearest to the background."""
    cells = [{"day": DAYS[day], "hour": hour, "n": n} for day, hour, n in rows]
    return (
        alt.Chart(data_of(cells))
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
                scale=alt.Scale(scheme="viridis", reverse=mode != "dark"),
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
