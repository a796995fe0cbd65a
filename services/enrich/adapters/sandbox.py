"""Runs the pipeline in parser child processes."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pydantic import TypeAdapter, ValidationError

from services.enrich.domain.pipeline import Outcome
from services.enrich.domain.reading import RawPage
from shared.errors import Permanent
from shared.sandbox import Limits, Pool, SlowLane

_MODULE: Final = "services.enrich.adapters.parser_child"
_PAGE: Final = TypeAdapter(RawPage)


class Sandbox(Pool):
    """`size` children that run the pipeline. `start` before the first `run`; `run` may be called concurrently.

    `entity_model`: spaCy pipeline for entity names, a directory or a package; empty: rules only.
    """

    def __init__(
        self,
        size: int,
        limits: Limits | None = None,
        *,
        slow_lane: SlowLane | None = None,
        entity_model: str = "",
        module: str = _MODULE,
    ) -> None:
        arguments = (entity_model,) if entity_model else ()
        super().__init__(size, limits or Limits(), module=module, arguments=arguments, slow_lane=slow_lane)

    async def run(self, page: RawPage, *, start_before: float | None = None) -> Outcome:
        """Run the pipeline on one page; see `Pool.ask` for `start_before` and what is raised."""
        head = _PAGE.dump_json(replace(page, data=b""))  # the frame carries the bytes as they are
        answer = await self.ask(head, page.data, start_before=start_before)
        try:
            return Outcome.model_validate_json(answer)
        except ValidationError as error:
            raise Permanent("the parser returned an invalid result", rule="sandbox-crash") from error
