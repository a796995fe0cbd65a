"""Standard Webhooks: what an endpoint's keys are, how a delivery is signed, and how the keys lie at rest."""

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
