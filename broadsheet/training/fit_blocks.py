"""Fits the block model of the HTML reader on annotated pages.

Run it with `uv run --with lightgbm python -m broadsheet.training.fit_blocks [--folds 5]`.
Input: `../shared/data/extraction`.
Output: `services/enrich/domain/markup/block_model.json`. With `--folds N` it writes nothing and prints cross-validated
scores; all pages of a site are in the same fold.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from broadsheet.bench.quality.scoring import f1, shingle_f1, shingle_shares, snippet_counts
from broadsheet.bench.quality.tasks import extraction
from broadsheet.training.fit_labels import labels
from broadsheet.training.judged_pages import folds_of
from services.enrich.domain.decoding import clean, decode
from services.enrich.domain.html.body import (
    PageCandidates,
    body_blocks,
    engines_agree,
    extract_with_trafilatura,
    page_candidates,
    split_lines,
    without_repeats,
)
from services.enrich.domain.html.metadata import metadata_of
from services.enrich.domain.markup.block_features import NAMES
from services.enrich.domain.markup.blocks import html_blocks
from services.enrich.domain.markup.overlays import remove_overlays
from services.enrich.domain.markup.tree import parse_page
from services.enrich.domain.similar_text import same_text
from services.enrich.domain.text.plain_text import remove_boilerplate
from services.enrich.domain.titles import vote

if TYPE_CHECKING:
    import lightgbm

OUTPUT = Path(__file__).resolve().parents[2] / "services/enrich/domain/markup/block_model.json"
DEPTH = 6
SETS = ("aeb", "fundus", "wcxb", "trafilatura")
PARAMETERS = {
    "objective": "binary", "learning_rate": 0.08, "num_leaves": 16, "max_depth": DEPTH, "min_data_in_leaf": 30,
    "lambda_l2": 5, "feature_fraction": 0.25, "bagging_fraction": 0.7, "bagging_freq": 1, "max_bin": 127,
    "num_threads": 1, "deterministic": True, "force_row_wise": True, "seed": 0, "verbose": -1,
}  # fmt: skip
TREES = 120
DRAWS = 3
"""Random fold assignments to average over: a single one is off by 0.001 to 0.004."""
THRESHOLDS = (0.4, 0.45, 0.5)
_SNIPPET_WEIGHT = 0.04
"""Weight of a block matched by a snippet, where all words of a fully annotated page weigh 1."""


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--data", type=Path, default=Path("../shared/data"))
    options.add_argument("--folds", type=int, default=0)
    given = options.parse_args()
    pages = [item for name in SETS for item in _read(name, given.data)]
    if given.folds:
        _cross_validate(pages, given.folds)
    else:
        OUTPUT.write_text(json.dumps(_as_lists(_fit(pages)), separators=(",", ":")) + "\n", encoding="utf-8")
    return 0


def _read(name: str, data: Path) -> list[dict[str, Any]]:
    found = []
    for page in getattr(extraction, f"{name}_pages")(data):
        if page.body is None and not page.wanted:
            continue
        markup, tree = parse_page(decode(page.data, "text/html"))
        remove_overlays(tree)
        metadata = metadata_of(tree, markup)
        judged = page_candidates(tree, html_blocks(tree), markup, metadata)
        texts = [item.block.text for item in judged.candidates]
        known = labels(page, judged.candidates)
        words = np.array([text.count(" ") + 1 for text in texts], dtype=float)
        if page.body is None:
            weights = np.full(len(texts), _SNIPPET_WEIGHT)
        else:
            weights = np.minimum(1.0, (words + 1) / max(50.0, words[np.nan_to_num(known) > 0.5].sum()))
        numbers = np.array(judged.features, dtype=np.float64).reshape(len(texts), len(NAMES))
        found.append({
            "set": name, "page": page, "found": judged, "x": numbers, "y": known, "w": weights,
            "markup": markup, "title": vote(metadata.titles),
        })  # fmt: skip
    return found


def _fit(pages: list[dict[str, Any]]) -> lightgbm.Booster:
    x, y, w = (np.concatenate([page[key] for page in pages]) for key in "xyw")
    known = ~np.isnan(y)
    x, y, w = x[known], y[known], w[known]
    weights = w * np.abs(y - 0.5) * 2 * len(y) / w.sum()
    import lightgbm

    return lightgbm.train(PARAMETERS, lightgbm.Dataset(x, (y >= 0.5).astype(int), weight=weights), TREES)


def _as_lists(model: lightgbm.Booster) -> dict[str, Any]:
    """The trees as lists of equal length. A leaf points to itself. The first tree includes the initial score."""
    trees = [_nodes(tree["tree_structure"]) for tree in model.dump_model()["tree_info"]]
    size = max(map(len, trees))
    made: dict[str, Any] = {"names": list(NAMES), "depth": DEPTH, "start": 0.0}
    for place, key in enumerate(("feature", "limit", "left", "right", "value")):
        rows = [[node[place] for node in nodes] for nodes in trees]
        made[key] = [row + [type(row[0])()] * (size - len(row)) for row in rows]
    return made


def _nodes(tree: dict[str, Any]) -> list[tuple[int, float, int, int, float]]:
    """(feature, limit, left, right, value) of every node, root first."""
    order = [tree]
    found: list[tuple[int, float, int, int, float]] = []
    for number, node in enumerate(order):  # the list grows during iteration
        if "split_feature" not in node:
            found.append((0, 0.0, number, number, round(node["leaf_value"], 5)))
            continue
        left = len(order)
        order += [node["left_child"], node["right_child"]]
        found.append((node["split_feature"], round(node["threshold"], 6), left, left + 1, 0.0))
    return found


def _cross_validate(pages: list[dict[str, Any]], folds: int) -> None:
    """Print the score per data set and threshold, for each fold assignment and their mean."""
    scores: dict[float, list[list[float]]] = {threshold: [] for threshold in THRESHOLDS}
    for draw in range(DRAWS):
        _predict(pages, folds_of([page["page"] for page in pages], folds, draw), folds)
        for threshold in THRESHOLDS:
            scores[threshold].append([_score(pages, name, threshold) for name in SETS])
            print(f"draw {draw}, {threshold}:", _row(scores[threshold][-1]), flush=True)
    for threshold in THRESHOLDS:
        print(f"mean,   {threshold}:", _row(np.mean(scores[threshold], axis=0)))


def _predict(pages: list[dict[str, Any]], fold: list[int], folds: int) -> None:
    for number in range(folds):
        model = _fit([page for page, other in zip(pages, fold, strict=True) if other != number])
        for page, other in zip(pages, fold, strict=True):
            if other == number:
                page["p"] = model.predict(page["x"], num_threads=1) if len(page["x"]) else []


def _row(scores: Iterable[float]) -> str:
    return "  ".join(f"{name} {score:.4f}" for name, score in zip(SETS, scores, strict=True))


def _score(pages: list[dict[str, Any]], name: str, threshold: float) -> float:
    chosen = [page for page in pages if page["set"] == name]
    texts = [_text(page, threshold) for page in chosen]
    if name == "trafilatura":
        counts = [snippet_counts(p["page"].wanted, p["page"].unwanted, t) for p, t in zip(chosen, texts, strict=True)]
        return f1(*(sum(column) for column in zip(*counts, strict=True)))
    return shingle_f1([shingle_shares(p["page"].body, t) for p, t in zip(chosen, texts, strict=True)])[0]


def _text(page: dict[str, Any], threshold: float) -> str:
    """The text as the reader returns it: without the repeated title and boilerplate lines."""
    found: PageCandidates = page["found"]
    lines = [found.blocks[at].text for at in body_blocks(found, page["p"], threshold)[0]]
    if not engines_agree(lines, found.main_text):
        tree = parse_page(page["markup"])[1]
        remove_overlays(tree)
        lines = without_repeats(split_lines(extract_with_trafilatura(tree)))
    while len(lines) > 1 and page["title"] and same_text(lines[0], page["title"]):
        lines = lines[1:]
    return "\n".join(remove_boilerplate([clean(line) for line in lines])[0])


if __name__ == "__main__":
    raise SystemExit(main())
