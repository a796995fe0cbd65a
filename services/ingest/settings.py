"""The settings of ingest."""

from __future__ import annotations

from typing import Final, Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from shared.http_server.settings import TrustedNetworks
from shared.settings import BaseServiceSettings

MIB: Final = 1024 * 1024
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class IngestSettings(BaseServiceSettings):
    """Read from `INGEST_*`, and the shared ones from `BROADSHEET_*`."""

    model_config = SettingsConfigDict(env_prefix="INGEST_", extra="forbid", frozen=True)

    host: str = Field(default="127.0.0.1", description="Address to listen on; loopback only when local.")
    port: int = Field(default=8001, ge=0, le=65535, description="Port to listen on.")
    public_url: str = Field(default="http://127.0.0.1:8000", description="Public base URL of serve, used in links.")
    trusted_proxies: TrustedNetworks = Field(
        default="",
        description="Comma-separated addresses or networks of proxies whose `Forwarded` and `X-Forwarded-*` are used.",
    )
    json_bytes: int = Field(default=MIB, ge=1024, description="Largest JSON article in bytes.")
    text_bytes: int = Field(default=MIB, ge=1024, description="Largest plain-text page in bytes.")
    html_bytes: int = Field(default=5 * MIB, ge=1024, description="Largest HTML page in bytes.")
    line_bytes: int = Field(default=MIB, ge=1024, description="Largest line of a bulk upload in bytes.")
    bulk_bytes: int = Field(default=64 * MIB, ge=1024, description="Largest bulk upload in bytes.")
    held_bytes: int = Field(
        default=256 * MIB, ge=MIB, description="Total bytes of request bodies in memory; above it requests get 503."
    )
    body_seconds: float = Field(
        default=30.0,
        gt=0,
        description="Time limit in seconds for a request body, and for a pause within a bulk upload.",
    )
    bulk_seconds: float = Field(default=3600.0, gt=0, description="Time limit in seconds for one bulk upload.")
    header_seconds: float = Field(default=10.0, gt=0, description="Time limit in seconds for the headers of a request.")
    max_connections: int = Field(
        default=2000, ge=1, description="Maximum open connections, and four times those of one address."
    )

    polls: int = Field(
        default=4, ge=0, le=64, description="Sources polled concurrently by this process; 0 disables polling here."
    )

    @model_validator(mode="after")
    def _local_is_loopback(self) -> Self:
        if self.environment == "local" and self.host not in _LOOPBACK:
            raise ValueError("INGEST_HOST must be loopback when BROADSHEET_ENVIRONMENT is local")
        return self
