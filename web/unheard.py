"""Answers that came after nobody waited for them any more.

A name that cannot be looked up is told by whoever wanted to connect: the store that is away, a
sentinel that does not answer. Where looking it up took longer than they had patience, its failure
comes to nobody, and asyncio would tell of it once more, with a traceback, for each attempt.
"""

import asyncio
import logging
import socket
from typing import Any

log = logging.getLogger(__name__)


def tell_once(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A loop's exception handler: names that were not found late are no news, all else is told."""
    if isinstance(context.get("exception"), socket.gaierror) and "future" in context:
        log.debug("a name was not found, too late for who asked: %s", context["exception"])
        return
    loop.default_exception_handler(context)
