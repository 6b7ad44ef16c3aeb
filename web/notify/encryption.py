"""Encrypting and signing one push, as RFC 8291 and 8292 have it: pywebpush and py_vapid do it.

Only their arithmetic is used. Their own sending follows redirects and proxies, waits for hours and
blocks a thread meanwhile; ours does not (`outgoing`). They take a while to import and an instant
to run, so this module is imported and used in a thread.
"""

from datetime import datetime, timedelta
from urllib.parse import SplitResult

from py_vapid import Vapid02
from pywebpush import WebPusher

from capacity.board.subscriptions import Subscription
from capacity.instants import epoch_millis
from web.notify.push_key import PushKey

SIGNED_FOR = timedelta(hours=12)
"""How long a signature holds; push services refuse more than 24 hours."""


def sealed(subscription: Subscription, payload: bytes) -> bytes:
    """The payload, encrypted so that only this browser can read it."""
    keys = {"p256dh": subscription.p256dh, "auth": subscription.auth}
    pusher = WebPusher({"endpoint": subscription.endpoint, "keys": keys})
    body: bytes = pusher.encode(payload, content_encoding="aes128gcm")["body"]
    return body


def signature(key: PushKey, contact: str, parts: SplitResult, now: datetime) -> str:
    """The ``Authorization`` that tells a push service who sends, and whom to write to."""
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "sub": contact,
        "exp": epoch_millis(now + SIGNED_FOR) // 1000,
    }
    header: str = Vapid02(key.private).sign(claims)["Authorization"]
    return header
