"""Indicators of our own history: amounts, what they are made from, and figures made of them. Pure.

Raw records of one Danish day go in, whole-number amounts come out (`measures.Tally`), to be added
over hours, days, units and municipalities without loss; figures are made of sums at the very end.
Reading and keeping amounts is `capacity.history`'s affair. docs/indicators.md tells every rule.
"""
