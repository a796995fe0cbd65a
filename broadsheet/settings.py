"""Settings of the command line and the supervisor: `BROADSHEET_*`, else the values in run.json."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

_CHECKOUT = Path(__file__).resolve().parent.parent


def _default_data_dir() -> Path:
    """`data/` of the checkout this package runs from, else of the working directory (an installed wheel)."""
    base = _CHECKOUT if (_CHECKOUT / "pyproject.toml").is_file() else Path.cwd()
    return base / "data"


class CliSettings(BaseSettings):
    """Environment settings. All are optional on a machine where `up` runs."""

    model_config = SettingsConfigDict(env_prefix="BROADSHEET_", extra="ignore", frozen=True)

    data_dir: Path = Field(default_factory=_default_data_dir, description="Directory of data, logs and run.json.")
    redis_url: SecretStr | None = Field(
        default=None, description="An existing Redis >= 7.0 or Valkey >= 7.2; `up` then starts no server of its own."
    )
    ingest_url: str | None = Field(default=None, description="Base URL of the ingest service.")
    serve_url: str | None = Field(default=None, description="Base URL of the serve service.")
    public_url: str | None = Field(default=None, description="Public base URL of serve; default: its base URL.")
    api_key: SecretStr | None = Field(
        default=None, description="API key for ingest and events; default: the key in data/local-key."
    )
    index_url: str | None = Field(default=None, description="The search engine; see docs/search-engines.md.")
    index_key: SecretStr | None = Field(default=None, description="API key of the search engine; may be read-only.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Minimum level of the commands' log lines."
    )
    log_format: Literal["json", "text"] = Field(default="text", description="Log format of the commands.")

    def inherited_environment(self) -> dict[str, str]:
        """Base environment of child processes."""
        return dict(os.environ)  # noqa: TID251 - inside the Settings class: children inherit PATH, HOME, locale
