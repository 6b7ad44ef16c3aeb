"""The seeded fault runner: what happens to reports and boards when things break.

``make faults`` or ``python -m tests.faults [--seed N] [--only NAME …] [--short | --long]``. Real
processes, real stores, real sockets; one file per scenario in `tests.faults.scenarios`.
docs/faults.md says what each does and keeps the latest table.
"""
