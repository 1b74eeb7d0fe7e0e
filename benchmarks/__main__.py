"""`python -m benchmarks FIGURE`: measures and prints; nothing here passes or fails."""

import argparse
from collections.abc import Sequence

from benchmarks import cycle, feedparsing, hostile, httplayer, idle, inbox, ingest, sentiment, start

FIGURES = {
    "ingest": ingest,
    "inbox": inbox,
    "cycle": cycle,
    "http": httplayer,
    "feeds": feedparsing,
    "idle": idle,
    "hostile": hostile,
    "start": start,
    "sentiment": sentiment,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures one figure and prints its tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    figures = parser.add_subparsers(dest="figure", required=True)
    for name, figure in FIGURES.items():
        figure.options(figures.add_parser(name, help=(figure.__doc__ or "").splitlines()[0]))
    chosen = parser.parse_args(arguments)
    FIGURES[chosen.figure].run(chosen, lambda text: print(text, flush=True))


if __name__ == "__main__":
    main()
