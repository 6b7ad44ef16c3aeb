"""Passwords: what is good enough, Argon2id, and checking without telling who exists."""

import asyncio
from functools import cache

from pwdlib import PasswordHash

SHORTEST, LONGEST = 12, 128
"""Length is what counts (OWASP ASVS 5, V6.2); there are no rules about digits and signs."""
_HASHER = PasswordHash.recommended()
_TURNS = asyncio.Semaphore(2)
"""Argon2 takes memory and time on purpose; many tries at once must not take the machine."""
BOARDS_FIRST = 2.0
"""Seconds after the start that belong to the boards."""
_COMMON = ("password", "kodeord", "adgangskode", "akutoverblik", "123456", "qwerty", "randers")


def fault_of(password: str, login: str | None) -> str | None:
    """Why a password cannot be chosen: short, long, login or common; ``None`` if it can."""
    if len(password) < SHORTEST:
        return "short"
    if len(password) > LONGEST:
        return "long"
    bare = password.lower()
    if login and login.lower() in bare:
        return "login"
    rest = bare
    for word in _COMMON:
        rest = rest.replace(word, "")
    return "common" if len(set(rest)) < 5 else None


async def hashed(password: str) -> str:
    """The Argon2id hash to be stored."""
    async with _TURNS:
        return await asyncio.to_thread(_HASHER.hash, password)


async def matches(password: str, password_hash: str | None) -> bool:
    """Whether it is the password; ``None`` (no such account, or none chosen) never is."""
    if len(password) > LONGEST:
        return False
    async with _TURNS:
        against = password_hash if password_hash else await asyncio.to_thread(_of_nobody)
        found = await asyncio.to_thread(_HASHER.verify, password, against)
    return found and password_hash is not None


@cache
def _of_nobody() -> str:
    """Checked when there is no such account, so that both answers take as long.

    Made by `be_ready`, else when first needed: a service must not wait for it to start.
    """
    return _HASHER.hash("nobody has this password")


async def be_ready() -> None:
    """Make what the first check would have to wait for, once the boards are open again."""
    await asyncio.sleep(BOARDS_FIRST)
    await asyncio.to_thread(_of_nobody)
