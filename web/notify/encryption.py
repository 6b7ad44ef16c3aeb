"""Encrypting and signing one push, as RFC 8291 and 8292 have it: pywebpush and py_vapid do it.

Only their arithmetic is used. Their own sending follows redirects and proxies, waits for hours and
blocks a thread meanwhile; ours does not (`outgoing`). They take a while to import and an instant
to run, so this module is imported and used in a thread.
"""

from datetime import datetime, timedelta
from urllib.parse import SplitResult

from http_ece import ECEException
from py_vapid import Vapid02, VapidException
from pywebpush import WebPusher, WebPushException

from capacity.board.subscriptions import Subscription
from capacity.instants import epoch_millis
from web.notify.push_key import PushKey

SIGNED_FOR = timedelta(hours=12)
"""How long a signature holds; push services refuse more than 24 hours."""


class CannotSealError(Exception):
    """A push that cannot be made for this browser, whatever it says."""


def sealed(subscription: Subscription, payload: bytes) -> bytes:
    """The payload, encrypted so that only this browser can read it."""
    keys = {"p256dh": subscription.p256dh, "auth": subscription.auth}
    try:
        pusher = WebPusher({"endpoint": subscription.endpoint, "keys": keys})
        body: bytes = pusher.encode(payload, content_encoding="aes128gcm")["body"]
    except (WebPushException, ECEException, ValueError) as error:
        raise CannotSealError("has keys that nothing can be encrypted to") from error
    return body


def signature(key: PushKey, contact: str, parts: SplitResult, now: datetime) -> str:
    """The ``Authorization`` that tells a push service who sends, and whom to write to."""
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "sub": contact,
        "exp": epoch_millis(now + SIGNED_FOR) // 1000,
    }
    try:
        header: str = Vapid02(key.private).sign(claims)["Authorization"]
    except VapidException as error:
        raise CannotSealError("has an address that cannot be signed for") from error
    return header
