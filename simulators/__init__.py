"""Stand-ins for the systems outside, speaking their real wire formats over the real network.

Imports nothing of the product: a simulator that shared its model would hide its mistakes.
Every figure is made up; there are counts here and no people. See docs/simulators.md.
"""
