"""Signatures of webhooks as Standard Webhooks defines them: `v1` (HMAC-SHA256) and `v1a` (Ed25519) over the raw body.

The signed content is `{webhook-id}.{webhook-timestamp}.{body}`; the header is a list, so that a receiver can use
the old secret while the new one is rolled out.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SECRET_BYTES: Final = 32
"""Length of a secret; the standard allows 24 to 64."""
TOLERANCE_SECONDS: Final = 300
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what every secret begins with
PUBLIC_PREFIX: Final = "whpk_"
_SEED_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Secret:
    """One generation of an endpoint's keys: bytes of the HMAC secret, the Ed25519 seed, Unix ms of its end or None."""

    hmac: bytes
    seed: bytes
    until_ms: int | None = None

    @property
    def shown(self) -> str:
        """The HMAC secret as shown to its owner: `whsec_` and base64."""
        return SECRET_PREFIX + base64.b64encode(self.hmac).decode()

    @property
    def public_key(self) -> str:
        """The public key that verifies `v1a` signatures: `whpk_` and base64."""
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key()
        return PUBLIC_PREFIX + base64.b64encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()

    def __repr__(self) -> str:
        return "Secret(...)"


Keys = tuple[Secret, ...]
"""The keys of one endpoint, newest first; older ones sign until they expire."""


def new_secret() -> Secret:
    """Fresh random keys."""
    return Secret(secrets.token_bytes(SECRET_BYTES), secrets.token_bytes(_SEED_BYTES))


def delivery_id(subscription_id: str, event_id: str) -> str:
    """The `webhook-id` of an event for a subscription: the same for every attempt and replay."""
    digest = hashlib.sha256(f"{subscription_id}\n{event_id}".encode()).digest()
    return "msg_" + base64.b32encode(digest[:20]).decode().lower()


def signature_header(keys: Sequence[Secret], message_id: str, timestamp: int, body: bytes) -> str:
    """`webhook-signature`: for each key, newest first, a `v1` and a `v1a` signature. `timestamp` is in Unix seconds."""
    content = _content(message_id, str(timestamp), body)
    signatures = []
    for key in keys:
        signatures.append("v1," + base64.b64encode(_hmac(key.hmac, content)).decode())
        signed = Ed25519PrivateKey.from_private_bytes(key.seed).sign(content)
        signatures.append("v1a," + base64.b64encode(signed).decode())
    return " ".join(signatures)


def verify(secret: str, message_id: str, timestamp: str, header: str, body: bytes, *, now: float) -> bool:
    """Whether one signature of the header is right and the timestamp within 5 minutes of `now` (Unix seconds).

    `secret` is `whsec_...` (or bare base64) for `v1`, `whpk_...` for `v1a`. Compares in constant time.
    """
    try:
        age = now - int(timestamp)
    except ValueError:
        return False
    if abs(age) > TOLERANCE_SECONDS or not message_id:
        return False
    content = _content(message_id, timestamp, body)
    return any(_holds(secret, part, content) for part in header.split(" ")[:20])


def _holds(secret: str, part: str, content: bytes) -> bool:
    version, _, text = part.partition(",")
    try:
        signature = base64.b64decode(text, validate=True)
        if version == "v1" and not secret.startswith(PUBLIC_PREFIX):
            return hmac.compare_digest(signature, _hmac(_decoded(secret.removeprefix(SECRET_PREFIX)), content))
        if version == "v1a" and secret.startswith(PUBLIC_PREFIX):
            public = Ed25519PublicKey.from_public_bytes(_decoded(secret.removeprefix(PUBLIC_PREFIX)))
            public.verify(signature, content)
            return True
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return False


def _decoded(text: str) -> bytes:
    key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    if not key:
        raise ValueError("the secret is empty")
    return key


def _hmac(key: bytes, content: bytes) -> bytes:
    return hmac.new(key, content, hashlib.sha256).digest()


def _content(message_id: str, timestamp: str, body: bytes) -> bytes:
    return f"{message_id}.{timestamp}.".encode() + body
