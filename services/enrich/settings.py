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
        description="Most entries taken at once.",
    )
    parsers: int = Field(
        default=2,
        ge=1,
        le=64,
        validation_alias="ENRICH_PARSERS",
        description="Parser children; each takes at most one core and some 20 MB beside the 380 MB that all share.",
    )
    overtime_parsers: int = Field(
        default=2,
        ge=0,
        le=64,
        validation_alias="ENRICH_OVERTIME_PARSERS",
        description="Further children, for documents that take long, so that others need not wait for them; 0: none.",
    )
    overtime_cpu_seconds: float = Field(
        default=0.5,
        gt=0,
        le=600,
        validation_alias="ENRICH_OVERTIME_CPU_SECONDS",
        description="CPU seconds after which a document is begun anew in such a child; by the clock, three times that.",
    )
    parse_seconds: float = Field(
        default=10.0,
        gt=0,
        le=600,
        validation_alias="ENRICH_PARSE_SECONDS",
        description="Wall seconds a document may take before its parser is killed.",
    )
    parse_cpu_seconds: float = Field(
        default=3.0,
        gt=0,
        le=600,
        validation_alias="ENRICH_PARSE_CPU_SECONDS",
        description="CPU seconds a document may take; a page takes 0.03 s on average.",
    )
    parse_megabytes: int = Field(
        default=1024,
        ge=64,
        le=65536,
        validation_alias="ENRICH_PARSE_MEGABYTES",
        description="Address space a document may take beyond that of an idle parser, in MiB.",
    )
    parser_documents: int = Field(
        default=2000,
        ge=1,
        validation_alias="ENRICH_PARSER_DOCUMENTS",
        description="Documents after which a parser is replaced by a fresh one.",
    )
    entity_model: str = Field(
        default="",
        max_length=4000,
        validation_alias="ENRICH_ENTITY_MODEL",
        description="spaCy pipeline that finds names in its language, a directory or a package; empty: the rules do.",
    )
