"""The settings of serve."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import SettingsConfigDict

from shared.identity.languages import require_language
from shared.settings import BaseServiceSettings


class ServeSettings(BaseServiceSettings):
    """Read from `SERVE_*`, beside the `BROADSHEET_*` settings that all services share."""

    model_config = SettingsConfigDict(env_prefix="SERVE_", extra="forbid", frozen=True)

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    site_name: str = Field(default="Broadsheet", max_length=80, description="Name in the masthead of the reader pages.")
    public_url: str = Field(
        default="http://127.0.0.1:8000",
        pattern=r"^https?://[^\s/?#]+$",
        description="Where readers reach this service, without a slash at the end; `source` of public events.",
    )
    site_language: Annotated[str, AfterValidator(require_language)] = Field(
        default="en",
        description="Language of the site (BCP 47), for articles whose own is not known.",
    )
    hub_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s#]+)?$",
        description="The WebSub hub that feeds name; empty where none is reachable for readers.",
    )
    public_events: bool = Field(
        default=True,
        description="Whether /v1/events needs no key. When false it needs one with the scope `subscribe`.",
    )
    sse_heartbeat_seconds: float = Field(default=15.0, gt=0, description="A comment line this often keeps streams up.")
    sse_lifetime_seconds: float = Field(
        default=600.0, gt=0, description="A stream is closed after this time, +-10 %; clients come back by themselves."
    )
    sse_write_seconds: float = Field(
        default=5.0, gt=0, description="A client that does not take a frame within this time is disconnected."
    )
    sse_per_key: int = Field(default=200, ge=1, description="Streams open at once for one key.")
    sse_per_ip: int = Field(default=20, ge=1, description="Streams open at once for one address.")
    subscriptions_per_key: int = Field(default=100_000, ge=1, description="Saved searches that one key may have.")
    subscriptions_total: int = Field(default=250_000, ge=1, description="Saved searches of all keys together.")
    sse_total: int = Field(default=10_000, ge=1, description="Streams open at once in this process.")
