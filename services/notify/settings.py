"""Settings of the notify service."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import BaseServiceSettings


class NotifySettings(BaseServiceSettings):
    """`BROADSHEET_*` shared by all services, and `NOTIFY_*` of this one."""

    model_config = SettingsConfigDict(env_prefix="NOTIFY_", extra="forbid", frozen=True)

    health_port: int = Field(
        default=8004, ge=0, le=65535, description="Port of /livez, /readyz, /startupz and /metrics."
    )
    public_url: str = Field(
        default="http://127.0.0.1:8000",
        pattern=r"^https?://[^\s/?#]+$",
        description="Public base URL of serve without a trailing slash; `source` of delivered events.",
    )
    serve_url: str = Field(
        default="http://127.0.0.1:8000",
        pattern=r"^https?://[^\s/?#]+$",
        description="Internal base URL of serve, to fetch feeds for the WebSub hub.",
    )
    connect_seconds: float = Field(default=5.0, gt=0, description="Time limit to connect, in seconds, DNS included.")
    total_seconds: float = Field(default=15.0, gt=0, description="Time limit of one delivery in seconds.")
    parallel: int = Field(default=512, ge=4, le=4096, description="Concurrent deliveries in this process.")
