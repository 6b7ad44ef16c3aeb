"""Months of a cluster: reports, calls, asks and outcomes in the order of a simulated calendar.

`course` plays them against a service through an `outlet` that also moves its clock; `log` keeps
what was sent and what was answered; `recount` counts everything anew from that log and from the
catalogue's own files. Nothing here knows the product's code.
"""
