"""Settings of the index service."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from shared.settings import BaseServiceSettings
from shared.source_patterns import SourceTrust


class IndexSettings(BaseServiceSettings):
    """`BROADSHEET_*` shared by all services, and `INDEX_*` of this one."""

    health_port: int | None = Field(
        default=8003,
        ge=0,
        le=65535,
        validation_alias="INDEX_HEALTH_PORT",
        description="Port of /livez, /readyz, /startupz and /metrics.",
    )
    batch: int = Field(
        default=100,
        ge=1,
        le=100,
        validation_alias="INDEX_BATCH",
        description="Maximum entries per batch. A commit of the index costs about 15 ms regardless of its size.",
    )
    embedder: Literal["none", "lsa"] = Field(
        default="lsa",
        validation_alias="INDEX_EMBEDDER",
        description="Vectors for related articles: `none`, or `lsa`, a model trained on the archive at each rebuild.",
    )
    start_within: float = Field(
        default=120.0,
        gt=0,
        validation_alias="INDEX_START_WITHIN",
        description="Seconds to wait at start for Redis and the search engine; then the process exits.",
    )
    source_trust: str = Field(
        default="",
        validation_alias="INDEX_SOURCE_TRUST",
        description="Trust ranks of sources, such as `reuters*=2, bbc=1`; 0 for others. The source with "
        "the higher rank is the original of a text.",
    )

    @field_validator("source_trust")
    @classmethod
    def _ranks(cls, text: str) -> str:
        SourceTrust.parse(text)
        return text
