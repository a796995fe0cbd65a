"""The settings of serve."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import SettingsConfigDict

from shared.http_server.settings import TrustedNetworks
from shared.identity.languages import require_language
from shared.settings import BaseServiceSettings


class ServeSettings(BaseServiceSettings):
    """`BROADSHEET_*` shared by all services, and `SERVE_*` of this one."""

    model_config = SettingsConfigDict(env_prefix="SERVE_", extra="forbid", frozen=True)

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65_535, description="Port to listen on; 0 selects a free one.")
    site_name: str = Field(default="Broadsheet", max_length=80, description="Name in the masthead of the reader pages.")
    public_url: str = Field(
        default="http://127.0.0.1:8000",
        pattern=r"^https?://[^\s/?#]+$",
        description="Public base URL without a trailing slash; `source` of public events.",
    )
    site_language: Annotated[str, AfterValidator(require_language)] = Field(
        default="en",
        description="Language of the site (BCP 47), for articles of unknown language.",
    )
    hub_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s#]+)?$",
        description="WebSub hub named in feeds; empty if no hub is reachable for readers.",
    )
    trusted_proxies: TrustedNetworks = Field(
        default="",
        description="Comma-separated addresses or networks of proxies whose `Forwarded` and `X-Forwarded-*` are used.",
    )
    public_events: bool = Field(
        default=True,
        description="`true`: /v1/events needs no key. `false`: it needs a key with the scope `subscribe`.",
    )
    sse_heartbeat_seconds: float = Field(default=15.0, gt=0, description="Interval of heartbeat comments in seconds.")
    sse_lifetime_seconds: float = Field(
        default=600.0,
        gt=0,
        description="Seconds after which a stream is closed, +-10 %; clients reconnect.",
    )
    sse_per_key: int = Field(default=200, ge=1, description="Maximum open streams per key, from any addresses.")
    sse_per_ip: int = Field(default=20, ge=1, description="Maximum open streams without a key per IP address.")
    subscriptions_per_key: int = Field(default=100_000, ge=1, description="Maximum saved searches per key.")
    subscriptions_total: int = Field(default=250_000, ge=1, description="Maximum saved searches in total.")
    sse_total: int = Field(default=10_000, ge=1, description="Maximum open streams in this process.")
