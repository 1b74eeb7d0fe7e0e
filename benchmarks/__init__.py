"""Figures, reported and never asserted: `python -m benchmarks ingest|inbox|cycle|start`."""
