"""A coverage-guided fuzzer for the parsers: ``python -m tests.fuzz [--seconds N] [FORMAT …]``.

An input is a document and a mapping. Documents begin as the recordings of the tests, are changed
by bytes, by tokens and by structure, and are kept for further changes when they reach a line, or
go from one line to another, that none did before. Every input must give a `Batch` that is sound
or `UnreadableError`, in bounded time and memory (`tests.fuzz.loop`).

It is our own, on ``sys.settrace``: what there is to install for this (atheris) comes for one
processor and one operating system only, so it could not be in the lock that serves all.
"""
