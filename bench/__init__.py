"""``make bench``: measures the cost of a run, compared with alternatives, and writes docs/performance.md and docs/scale.md."""
