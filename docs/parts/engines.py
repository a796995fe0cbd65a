"""Generated tables of engine capabilities and differences."""

from __future__ import annotations

import importlib

from docs.parts.tables import table


def engine_rows() -> str:
    """Optional capabilities per engine."""
    from shared.search.port import Cap

    engines = [("embedded", "EmbeddedIndex"), ("meilisearch", "MeiliIndex")]
    can = [getattr(importlib.import_module(f"shared.search.{name}"), made).capabilities for name, made in engines]
    rows = [[f"`{cap}`", *("yes" if cap in able else "" for able in can)] for cap in Cap]
    return table(["Capability", *(name for name, _ in engines)], rows)


def difference_rows() -> str:
    """Permitted differences, which the contract tests check."""
    differences = importlib.import_module("tests.contracts.differences").DIFFERENCES
    return table(["Engine", "Name", "Difference"], [[row.engine, f"`{row.name}`", row.what] for row in differences])
