"""The second factor: time-based codes (RFC 6238) of any authenticator app."""

from datetime import datetime
from io import BytesIO

import pyotp

STEP = 30
"""Seconds a code is shown for; the one before and the one after are taken too, for slow clocks."""
ISSUER = "Akutoverblik"


def new_secret() -> str:
    """A secret for one account, in the letters that apps take."""
    return pyotp.random_base32()


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step whose code this is, near `now`; ``None`` when it is none.

    The caller notes the step as used, so that a code is good once.
    """
    totp = pyotp.TOTP(secret, interval=STEP)
    here = int(now.timestamp()) // STEP
    bare = "".join(code.split())
    for step in (here, here - 1, here + 1):
        if pyotp.utils.strings_equal(totp.generate_otp(step), bare):
            return step
    return None


def address_for_app(secret: str, login: str) -> str:
    """What an authenticator app reads from the picture."""
    return pyotp.TOTP(secret, interval=STEP).provisioning_uri(name=login, issuer_name=ISSUER)


def picture(address: str) -> bytes:
    """The address as a PNG of a QR code."""
    import segno  # needed once in the life of an account

    out = BytesIO()
    segno.make(address, error="m").save(out, kind="png", scale=5, border=4)
    return out.getvalue()
