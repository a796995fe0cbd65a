"""The scored tasks: the rules of scoring, and what the command says of a folder that lacks files or holds its own."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
import zstandard

from broadsheet.bench.quality import scoring
from broadsheet.bench.quality.registry import UnknownTask, all_tasks, chosen
from broadsheet.bench.quality.report import QualityReport, ScoreRow, pooled
from broadsheet.bench.quality.run import QualityOptions, run
from broadsheet.bench.quality.task import Score, TaskOutcome
from broadsheet.bench.quality.tasks.related import purity

PAGE = """<html><head><title>Harbour bridge opens early</title></head><body><article>
<h1>Harbour bridge opens early</h1>
<p>The new bridge over the harbour opened on Tuesday, six weeks before the date that the council had promised.</p>
<p>Engineers said the dry autumn let them pour the last of the concrete without a single day of waiting.</p>
<p>Drivers from both banks queued since dawn to be among the first to cross the water without a ferry.</p>
</article></body></html>"""


def test_texts_that_agree_in_every_shingle_score_one():
    assert scoring.shingle_f1([scoring.shingle_shares("a b c d e", "a b c d e")])[0] == 1.0


def test_accents_written_apart_are_the_same_letters():
    apart = "ein kla\u0308rendes Gespra\u0308ch u\u0308ber Bu\u0308cher"
    assert scoring.shingle_f1([scoring.shingle_shares(apart, "ein klärendes Gespräch über Bücher")])[0] == 1.0


def test_what_is_too_much_costs_precision_and_what_is_missing_recall():
    wanted = "one two three four five six seven eight"
    f1, precision, recall = scoring.shingle_f1([scoring.shingle_shares(wanted, f"{wanted} nine ten")])
    assert (round(precision, 3), recall) == (0.714, 1.0)
    assert round(f1, 3) == 0.833
    assert scoring.shingle_f1([scoring.shingle_shares(wanted, "one two three four")])[1:] == (1.0, 0.2)


def test_nothing_read_is_no_hit_and_no_false_one():
    assert scoring.shingle_f1([scoring.shingle_shares("one two three four", "")]) == (0.0, 0.0, 0.0)


def test_snippets_are_found_over_line_ends():
    assert scoring.snippet_counts(["a  b", "z"], ["c"], "x a\nb c") == (1, 1, 1)


def test_exact_means_but_for_case_and_punctuation():
    assert scoring.exact("It’s “done”", "it s done!")
    assert not scoring.exact("It is done", "It is not done")
    assert scoring.same_names(["Ann Lee", "Bo Ek"], ["bo ek", "ann lee"])
    assert not scoring.same_names(["Ann Lee"], ["Ann Lee", "The Gazette"])


def test_a_verdict_is_judged_as_it_is_printed():
    assert Score("f1", 0.9716, 10, reach=0.972, aim=0.98).verdict == "reach"
    assert Score("f1", 0.98, 10, reach=0.972, aim=0.98).verdict == "aim"
    assert Score("cost", 1.6, 10, reach=1.5, aim=1.3, higher_is_better=False).verdict == "below"
    assert Score("other", 0.5, 10).verdict == ""


def test_pooled_scores_weigh_by_items():
    rows = [
        ScoreRow(name, "", "done", TaskOutcome((Score("x", value, n, baseline=1.0, reach=0.5, pool="p"),), n, 1.0))
        for name, value, n in (("one", 0.0, 30), ("two", 1.0, 10))
    ]
    (found,) = pooled(rows)
    assert (found.name, found.value, found.n, found.verdict) == ("p", 0.25, 40, "below")
    assert json.loads(QualityReport("d", (0, 0, 0), tuple(rows)).to_json())["pooled"][0]["value"] == 0.25


def test_every_task_has_a_name_of_its_own_and_says_what_it_reads():
    names = [task.name for task in all_tasks()]
    assert len(names) == len(set(names)) > 0
    assert all(task.reads and task.about for task in all_tasks())


def test_a_name_stands_for_its_family_and_an_unknown_one_is_refused():
    assert {task.name for task in chosen(["pages"])} >= {"pages-aeb", "pages-fundus"}
    with pytest.raises(UnknownTask, match="pages-aeb"):
        chosen(["page"])


def test_absent_material_is_said_aloud_and_is_no_success(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    assert run(QualityOptions(tmp_path, ("pages-aeb",))) == 2
    out, err = capfd.readouterr()
    assert "skipped" in out
    assert "extraction/aeb.tar.zst" in err


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_folder_of_the_same_layout_is_scored_and_a_broken_file_fails_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    body = "\n".join(line[3:-4] for line in PAGE.split("\n") if line.startswith("<p>"))
    gold = {"p1": {"articleBody": body, "url": "https://example.org/bridge"}}
    _pack(tmp_path / "extraction/aeb.tar.zst", {"ground-truth.json": json.dumps(gold), "html/p1.html": PAGE})
    (tmp_path / "extraction/fundus.tar.zst").write_bytes(b"no archive")
    assert run(QualityOptions(tmp_path, ("pages-aeb", "pages-fundus"), as_json=True)) == 1
    aeb, fundus = json.loads(capfd.readouterr().out)["tasks"]
    assert (aeb["status"], fundus["status"]) == ("done", "failed")
    assert aeb["outcome"]["scores"][0]["value"] == 1.0
    assert aeb["outcome"]["items"] == 1


def _pack(path: Path, files: dict[str, str]) -> None:
    path.parent.mkdir(exist_ok=True)
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    path.write_bytes(zstandard.ZstdCompressor().compress(raw.getvalue()))


def test_a_neighbour_that_is_missing_counts_as_wrong() -> None:
    topics = {"a": "sea", "b": "sea", "c": "bread"}
    assert purity({"a": ["b", "b", "b", "b", "b"]}, topics) == 1.0
    assert purity({"a": ["b", "c"]}, topics) == pytest.approx(0.2)
    assert purity({"a": ["b", "c"], "b": []}, topics) == pytest.approx(0.1)
