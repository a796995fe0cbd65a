"""Settings of every service. Each service adds its own in `services/<name>/settings.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class BaseServiceSettings(BaseSettings):
    """Read from `BROADSHEET_*` environment variables; a service's own settings have its own prefix.

    An unknown keyword argument is an error; an unknown environment variable is ignored.
    """

    model_config = SettingsConfigDict(env_prefix="BROADSHEET_", extra="forbid", frozen=True)

    redis_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"),
        validation_alias="BROADSHEET_REDIS_URL",
        description="Redis >= 7.0 or Valkey >= 7.2: redis://, rediss:// or unix:// with credentials inside.",
    )
    index_url: str = Field(
        default="embedded:data/index",
        validation_alias="BROADSHEET_INDEX_URL",
        description="The search engine: `embedded:DIRECTORY` or `meilisearch:http://HOST:PORT#INDEX`.",
    )
    index_key: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="BROADSHEET_INDEX_KEY",
        description="API key of the search engine, if it needs one.",
    )
    environment: Literal["local", "production"] = Field(
        default="production",
        validation_alias="BROADSHEET_ENVIRONMENT",
        description="`local`: start with a generated key and bind loopback only.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO",
        validation_alias="BROADSHEET_LOG_LEVEL",
        description="Minimum level of log lines.",
    )
    log_format: Literal["json", "text"] = Field(
        default="json",
        validation_alias="BROADSHEET_LOG_FORMAT",
        description="`json`: one JSON object per line. `text`: readable lines.",
    )

    access_log_per_second: int = Field(
        default=50,
        ge=0,
        validation_alias="BROADSHEET_ACCESS_LOG_PER_SECOND",
        description="Maximum access lines per second and process; the next line counts omitted ones. 0: none.",
    )
    webhook_key: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="BROADSHEET_WEBHOOK_KEY",
        description="Encrypts webhook secrets in Redis; at least 32 characters, the same for serve and notify.",
    )
    reclaim_idle_ms: int = Field(
        default=15_000,
        ge=50,
        validation_alias="BROADSHEET_RECLAIM_IDLE_MS",
        description="Idle time in ms after which another worker reclaims an entry.",
    )
    handle_seconds: float = Field(
        default=120.0,
        gt=0,
        validation_alias="BROADSHEET_HANDLE_SECONDS",
        description="Time limit of a handler for one batch.",
    )
    stall_seconds: float = Field(
        default=60.0,
        gt=0,
        validation_alias="BROADSHEET_STALL_SECONDS",
        description="A worker whose event loop is blocked for this long exits; other workers reclaim its entries.",
    )
    max_dead_letters_per_minute: int = Field(
        default=200,
        ge=1,
        validation_alias=AliasChoices("BROADSHEET_MAX_DEAD_LETTERS_PER_MINUTE", "BROADSHEET_BURIAL_CEILING"),
        description="The worker stops if more entries are dead-lettered and they are more than half of all entries.",
    )

    @property
    def embedded_index_directory(self) -> Path:
        """The directory of an `embedded:` index URL."""
        return Path(self.index_url.removeprefix("embedded:"))
