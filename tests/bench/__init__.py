"""The benchmark: what the product costs, beside the plainest thing that could do the same.

``make bench`` or ``python -m tests.bench [--quick] [--only NAME]``. Every figure is a ratio taken
within one run, because absolute rates say more about the machine than about the program. One file
per measurement; docs/performance.md says how they are made and keeps the latest table.
"""
