"""Settings of the enrich service."""

from __future__ import annotations

from pydantic import Field

from shared.settings import BaseServiceSettings


class EnrichSettings(BaseServiceSettings):
    """`BROADSHEET_*` shared by all services, and `ENRICH_*` of this one."""

    health_port: int | None = Field(
        default=8002,
        ge=0,
        le=65535,
        validation_alias="ENRICH_HEALTH_PORT",
        description="Port of /livez, /readyz, /startupz and /metrics.",
    )
    batch: int = Field(
        default=64,
        ge=1,
        le=100,
        validation_alias="ENRICH_BATCH",
        description="Maximum entries per batch.",
    )
    parsers: int = Field(
        default=2,
        ge=1,
        le=64,
        validation_alias="ENRICH_PARSERS",
        description="Parser processes; each uses at most one core and about 20 MB, plus 380 MB shared by all.",
    )
    overtime_parsers: int = Field(
        default=2,
        ge=0,
        le=64,
        validation_alias="ENRICH_OVERTIME_PARSERS",
        description="Additional parser processes for slow documents, so that they do not block others. 0: none.",
    )
    overtime_cpu_seconds: float = Field(
        default=0.5,
        gt=0,
        le=600,
        validation_alias="ENRICH_OVERTIME_CPU_SECONDS",
        description="CPU seconds after which a document is restarted there; in wall-clock seconds, three times that.",
    )
    parse_seconds: float = Field(
        default=10.0,
        gt=0,
        le=600,
        validation_alias="ENRICH_PARSE_SECONDS",
        description="Wall-clock limit of a document in seconds; then its parser is killed.",
    )
    parse_cpu_seconds: float = Field(
        default=3.0,
        gt=0,
        le=600,
        validation_alias="ENRICH_PARSE_CPU_SECONDS",
        description="CPU limit of a document in seconds; a page takes 0.03 s on average.",
    )
    parse_megabytes: int = Field(
        default=1024,
        ge=64,
        le=65536,
        validation_alias="ENRICH_PARSE_MEGABYTES",
        description="Memory limit of a document in MiB: address space beyond that of an idle parser.",
    )
    parser_documents: int = Field(
        default=2000,
        ge=1,
        validation_alias="ENRICH_PARSER_DOCUMENTS",
        description="Recycle a parser process after this many documents.",
    )
    entity_model: str = Field(
        default="",
        max_length=4000,
        validation_alias="ENRICH_ENTITY_MODEL",
        description="spaCy pipeline for entity names: a directory or a package. Empty: rules only.",
    )
