"""Months of a cluster through the real service, its clock going fast; see docs/trial.md.

The play and the recount are `simulators/months`, which know nothing of the product. Here are the
service under a clock that is moved, the comparison of what it tells with the recount, and what the
charts and comparisons make of the seeded effect.
"""
