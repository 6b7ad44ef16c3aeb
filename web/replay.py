"""Replay of quarantined documents, as an operator asks for it by entries."""

from collections.abc import Sequence
from dataclasses import dataclass

from capacity.board.quarantine import Entry, Quarantine
from feeds.intake import Intake
from feeds.sources import Source


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of the entries: closed, still occurring, without a text to read again.

    `closed` counts all entries of the documents, also those that were not asked for.
    """

    closed: int
    left: int
    missing: int


async def replay(
    intake: Intake, quarantine: Quarantine, source: Source, entries: Sequence[Entry], by: str
) -> Replayed:
    """Take the documents of these entries of one source in again, each once."""
    closed = 0
    missing: set[str] = set()
    for document in dict.fromkeys(entry.document for entry in entries):
        done = await intake.replay(source, document, by)
        if done is None:
            missing.add(document)
        closed += done or 0
    still_open = {entry.id for entry in await quarantine.entries(source.id)}
    left = [entry for entry in entries if entry.id in still_open]
    without_text = sum(entry.document in missing for entry in left)
    return Replayed(closed, len(left) - without_text, without_text)
