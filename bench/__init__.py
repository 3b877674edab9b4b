"""``make bench``: what a run takes, beside what people would use instead. See docs/performance.md, which it writes."""
