"""Encryption of stored endpoint keys: AES-256-GCM under one master key, bound to the owning endpoint."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from typing import Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import Permanent
from shared.webhooks.signing import Keys, Secret

LEAST_CHARACTERS: Final = 32
_NONCE_BYTES: Final = 12
_PURPOSE: Final = b"broadsheet webhook secrets v1\n"


class EncryptionError(Permanent):
    """There is no usable master key, or the stored text was not encrypted with it for this owner."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, rule="encryption")


class SecretCipher:
    """Encrypts with a key derived from `master`. Raises EncryptionError when that is too short."""

    def __init__(self, master: str) -> None:
        if len(master) < LEAST_CHARACTERS:
            raise EncryptionError(f"BROADSHEET_WEBHOOK_KEY must have at least {LEAST_CHARACTERS} characters")
        self._aead = AESGCM(hashlib.sha256(_PURPOSE + master.encode()).digest())

    def encrypt(self, keys: Keys, *, owner: str) -> str:
        """The keys as ciphertext; only the same `owner` can be used to decrypt it."""
        rows = [{"h": _text(key.hmac), "s": _text(key.seed), "u": key.until_ms} for key in keys]
        return self.encrypt_bytes(orjson.dumps(rows), owner=owner)

    def decrypt(self, sealed: str, *, owner: str) -> Keys:
        """The keys of `encrypt`. Raises EncryptionError."""
        rows = orjson.loads(self.decrypt_bytes(sealed, owner=owner))
        return tuple(Secret(_bytes(row["h"]), _bytes(row["s"]), row["u"]) for row in rows)

    def encrypt_bytes(self, data: bytes, *, owner: str) -> str:
        """Any bytes as ciphertext in base64."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _text(nonce + self._aead.encrypt(nonce, data, owner.encode()))

    def decrypt_bytes(self, sealed: str, *, owner: str) -> bytes:
        """The bytes of `encrypt_bytes`. Raises EncryptionError."""
        try:
            raw = _bytes(sealed)
            return self._aead.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], owner.encode())
        except (binascii.Error, ValueError, InvalidTag) as error:
            raise EncryptionError("the stored secret was not encrypted with this BROADSHEET_WEBHOOK_KEY") from error


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
