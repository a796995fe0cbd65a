"""Standard Webhooks: keys of an endpoint, signatures of deliveries, and encryption of stored keys."""

from __future__ import annotations

from shared.webhooks.encryption import EncryptionError, SecretCipher
from shared.webhooks.signing import Keys, Secret, delivery_id, new_secret, signature_header, verify

__all__ = [
    "EncryptionError",
    "Keys",
    "Secret",
    "SecretCipher",
    "delivery_id",
    "new_secret",
    "signature_header",
    "verify",
]
