"""The bare loads that ours is compared with hold the very same documents."""

from __future__ import annotations

from pathlib import Path

import tantivy

from broadsheet.bench.search.loading import ALIKE_TANTIVY, alike_tantivy, bare_tantivy
from broadsheet.bench.search.report import EngineReport
from shared.search.embedded.schema import register
from tests.contracts.search_contract import newsroom


def test_the_loads_of_tantivy_hold_every_document(tmp_path: Path) -> None:
    docs = newsroom()
    bare, index = bare_tantivy(docs, tmp_path / "bare")
    alike = alike_tantivy(docs, tmp_path / "alike")
    ours = register(tantivy.Index.open(str(tmp_path / "alike")))
    assert (bare.documents, alike.documents) == (len(docs), len(docs))
    assert (index.searcher().num_docs, ours.searcher().num_docs) == (len(docs), len(docs))
    report = EngineReport("engine", [alike, bare, alike], [], {})
    assert alike.name == ALIKE_TANTIVY
    assert report.alike_ratio == 1.0
    assert EngineReport("engine", [bare, bare, bare], [], {}).alike_ratio is None
