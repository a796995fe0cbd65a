# ruff: noqa: SLF001, T201 (scikit-learn offers no public way to its trees; a script prints)
"""Fit the block model of the HTML reader on judged pages: `uv run --with scikit-learn docs/fit_blocks.py [--folds 5]`.

Reads `../shared/data/extraction`, writes `services/enrich/domain/block_model.json`. With `--folds` it writes nothing
and prints the scores of pages that the model did not see.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from broadsheet.bench.quality.scoring import f1, shingle_f1, shingle_shares, snippet_counts
from broadsheet.bench.quality.tasks import extraction
from services.enrich.domain.block_features import NAMES, key_of
from services.enrich.domain.decoding import decode
from services.enrich.domain.html_body import MIN_AGREEMENT, agreement, carefully, judge
from services.enrich.domain.html_metadata import metadata_of
from services.enrich.domain.html_tree import parsed

OUTPUT = Path(__file__).resolve().parents[1] / "services/enrich/domain/block_model.json"
DEPTH = 6
_TOKEN = re.compile(r"\w+")
_SNIPPET_WEIGHT = 0.04
"""Of a block that a snippet names, beside a weight of 1 for all the words of a page whose whole body is known."""


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--data", type=Path, default=Path("../shared/data"))
    options.add_argument("--folds", type=int, default=0)
    given = options.parse_args()
    pages = [item for name in ("aeb", "fundus", "wcxb", "trafilatura") for item in _read(name, given.data)]
    if given.folds:
        _cross_validate(pages, given.folds)
    else:
        OUTPUT.write_text(json.dumps(_plain(_fit(pages)), separators=(",", ":")) + "\n", encoding="utf-8")
    return 0


def _read(name: str, data: Path) -> list[dict]:
    found = []
    for page in getattr(extraction, f"{name}_pages")(data):
        if page.body is None and not page.wanted:
            continue
        markup, tree = parsed(decode(page.data, "text/html"))
        judged = judge(tree, markup, metadata_of(tree))
        texts = [item.block.text for item in judged.found]
        labels = _labels(page, texts)
        words = np.array([text.count(" ") + 1 for text in texts], dtype=float)
        if page.body is None:
            weights = np.full(len(texts), _SNIPPET_WEIGHT)
        else:
            weights = np.minimum(1.0, (words + 1) / max(50.0, words[np.nan_to_num(labels) > 0.5].sum()))
        numbers = np.array(judged.numbers, dtype=np.float64).reshape(len(texts), len(NAMES))
        found.append({
            "set": name, "page": page, "texts": texts, "x": numbers, "y": labels, "w": weights, "main": judged.main,
            "markup": markup,
        })  # fmt: skip
    return found


def _labels(page: extraction.Page, texts: list[str]) -> np.ndarray:
    """The share of each block's shingles that are in the body; of snippets, whether it holds one; else unknown."""
    if page.body is None:
        wanted, unwanted = ([" ".join(text.split()) for text in many] for many in (page.wanted, page.unwanted))
        return np.array([
            1.0 if any(part in text for part in wanted) else 0.0 if any(part in text for part in unwanted) else np.nan
            for text in texts
        ])  # fmt: skip
    words = _TOKEN.findall(page.body)
    shingles = {tuple(words[i : i + 4]) for i in range(len(words) - 3)}
    lines = {key_of(line) for line in page.body.split("\n")}
    return np.array([_share(text, shingles, lines) for text in texts])


def _share(text: str, shingles: set[tuple[str, ...]], lines: set[str]) -> float:
    words = _TOKEN.findall(text)
    if len(words) < 4:
        return float(key_of(text) in lines)
    own = [tuple(words[i : i + 4]) for i in range(len(words) - 3)]
    return sum(shingle in shingles for shingle in own) / len(own)


def _fit(pages: list[dict]) -> HistGradientBoostingClassifier:
    x, y, w = (np.concatenate([page[key] for page in pages]) for key in "xyw")
    known = ~np.isnan(y)
    x, y, w = x[known], y[known], w[known]
    weights = w * np.abs(y - 0.5) * 2 * len(y) / w.sum()
    model = HistGradientBoostingClassifier(
        max_iter=120, learning_rate=0.08, max_leaf_nodes=16, max_depth=DEPTH, min_samples_leaf=30,
        l2_regularization=5, early_stopping=False, random_state=0,
    )  # fmt: skip
    return model.fit(x, y >= 0.5, sample_weight=weights)


def _plain(model: HistGradientBoostingClassifier) -> dict:
    """The trees as lists of equal length; a leaf points to itself."""
    trees = [stage[0].nodes for stage in model._predictors]
    size = max(len(nodes) for nodes in trees)
    made: dict = {"names": list(NAMES), "depth": DEPTH, "start": float(model._baseline_prediction.item())}
    for key in ("feature", "limit", "left", "right", "value"):
        made[key] = []
    for nodes in trees:
        rows = {key: [0] * size for key in ("feature", "limit", "left", "right", "value")}
        for number, node in enumerate(nodes):
            leaf = bool(node["is_leaf"])
            rows["feature"][number] = 0 if leaf else int(node["feature_idx"])
            rows["limit"][number] = 0.0 if leaf else round(float(node["num_threshold"]), 6)
            rows["left"][number] = number if leaf else int(node["left"])
            rows["right"][number] = number if leaf else int(node["right"])
            rows["value"][number] = round(float(node["value"]), 5) if leaf else 0.0
        for key, row in rows.items():
            made[key].append(row)
    return made


def _cross_validate(pages: list[dict], folds: int) -> None:
    fold = np.random.RandomState(0).randint(0, folds, len(pages))
    for number in range(folds):
        model = _fit([page for page, other in zip(pages, fold, strict=True) if other != number])
        for page, other in zip(pages, fold, strict=True):
            if other == number:
                page["p"] = model.predict_proba(page["x"])[:, 1] if len(page["x"]) else []
    for threshold in (0.5, 0.6):
        print(
            threshold,
            {name: round(_score(pages, name, threshold), 4) for name in ("aeb", "fundus", "wcxb", "trafilatura")},
        )


def _score(pages: list[dict], name: str, threshold: float) -> float:
    chosen = [page for page in pages if page["set"] == name]
    texts = [_text(page, threshold) for page in chosen]
    if name == "trafilatura":
        counts = [snippet_counts(p["page"].wanted, p["page"].unwanted, t) for p, t in zip(chosen, texts, strict=True)]
        return f1(*(sum(column) for column in zip(*counts, strict=True)))
    return shingle_f1([shingle_shares(p["page"].body, t) for p, t in zip(chosen, texts, strict=True)])[0]


def _text(page: dict, threshold: float) -> str:
    text = "\n".join(text for text, chance in zip(page["texts"], page["p"], strict=True) if chance >= threshold)
    return text if agreement(text, page["main"]) >= MIN_AGREEMENT else carefully(parsed(page["markup"])[1])


if __name__ == "__main__":
    sys.exit(main())
