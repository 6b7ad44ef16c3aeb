"""The key that signs pushes (VAPID, RFC 8292): made once, and kept, for browsers know it.

A subscription holds for the key it was made with. Every process of an installation therefore
needs the same one: from the settings, or from a file in the data folder that the first of them
makes.
"""

import base64
import binascii
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from capacity.config_file import ConfigError, Problem
from web.made_once import made_once

FILE = "push-key.pem"


@dataclass(frozen=True, slots=True)
class PushKey:
    """A private key on P-256; `public` is what browsers and push services get to know."""

    private: ec.EllipticCurvePrivateKey = field(repr=False)
    public: str = ""

    @classmethod
    def new(cls) -> "PushKey":
        """A fresh key."""
        return cls.of(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def of(cls, private: ec.EllipticCurvePrivateKey) -> "PushKey":
        """A key with its public part: the uncompressed point in base64url."""
        point = private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return cls(private, encode(point))

    def secret(self) -> str:
        """The private key as the settings take it: 32 bytes in base64url."""
        return encode(self.private.private_numbers().private_value.to_bytes(32))

    def pem(self) -> bytes:
        """The private key as a file holds it."""
        return self.private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def read_push_key(text: str) -> PushKey:
    """A key from its text, PEM or 32 bytes in base64url; `ValueError` when it is none."""
    try:
        if "-----BEGIN" in text:
            private = serialization.load_pem_private_key(text.strip().encode(), password=None)
        else:
            number = int.from_bytes(decode(text.strip(), 32))
            private = ec.derive_private_key(number, ec.SECP256R1())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != "secp256r1":
        raise ValueError("is no private key on P-256, as PEM or as 32 bytes in base64url")
    return PushKey.of(private)


def push_key(secret: str | None, folder: Path) -> PushKey:
    """The key of the settings, or else of the data folder; `ConfigError` for a wrong one."""
    if secret is None:
        return kept_push_key(folder)
    try:
        return read_push_key(secret)
    except ValueError as error:
        raise ConfigError([Problem("AKUTOVERBLIK_PUSH_KEY", 0, "", str(error))]) from None


def kept_push_key(folder: Path) -> PushKey:
    """The key in the data folder, made at the first call; `ConfigError` when it is spoilt."""
    path = folder / FILE
    kept = made_once(path, lambda: PushKey.new().pem())
    try:
        return read_push_key(kept.decode("ascii"))
    except ValueError as error:
        reason = f"{error}; put the right file back (docs/notifications.md)"
        raise ConfigError([Problem(str(path), 0, "", reason)]) from None


def encode(raw: bytes) -> str:
    """Base64url without padding, as RFC 8291 and 8292 write keys."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str, length: int) -> bytes:
    """Base64url with or without padding; `ValueError` unless it is `length` bytes."""
    bare = text.rstrip("=")
    try:
        raw = base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("is not base64url") from error
    if len(raw) != length:
        raise ValueError(f"is not {length} bytes long")
    return raw
