"""Trains the weights of author selection on annotated pages.

Run it with `uv run --with scipy python -m broadsheet.training.fit_authors [--folds 5]`.
Input: `../shared/data/extraction`.
Output: `services/enrich/domain/authors/weights.json`. With `--folds N` it writes nothing and prints cross-validated
scores; all pages of a site are in the same fold.

The weights are those of a conditional logit: one set of names that a page offers, or none, is right. Pages with a
trusted declared author, and pages without the right author among the candidates, are left out of the fit.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from broadsheet.bench.quality.pages import JudgedPage
from broadsheet.bench.quality.scoring import same_names, share
from broadsheet.bench.quality.tasks import extraction
from broadsheet.training.judged_pages import folds_of
from services.enrich.domain.authors import choice as author_choice
from services.enrich.domain.authors.choice import AuthorPage, Candidate, authors_of, candidates
from services.enrich.domain.authors.claims import Claim
from services.enrich.domain.decoding import decode
from services.enrich.domain.html.metadata import metadata_of
from services.enrich.domain.html.page import author_page
from services.enrich.domain.markup.blocks import html_blocks
from services.enrich.domain.markup.tree import parse_page
from shared.errors import Permanent

OUTPUT = Path(__file__).resolve().parents[2] / "services/enrich/domain/authors/weights.json"
SETS = ("fundus", "trafilatura", "wcxb")
DRAWS = 4
THRESHOLDS = (-0.25, 0.0, 0.25, 0.5)
_PENALTY = 1.0
_UNSIGNED = 3.0
"""Weight of pages without author: a false author is worse than a missing one."""


@dataclass
class TrainingItem:
    """A page with its author candidates."""

    set_name: str
    judged: JudgedPage
    page: AuthorPage
    declared: tuple[str, ...]
    claims: list[Claim]
    found: list[Candidate]


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--data", type=Path, default=Path("../shared/data"))
    options.add_argument("--folds", type=int, default=0)
    given = options.parse_args()
    items = [item for name in SETS for item in _read(name, given.data)]
    if given.folds:
        _cross_validate(items, given.folds)
    else:
        weights = {name: round(value, 2) for name, value in sorted(_fit(items).items())}
        OUTPUT.write_text(json.dumps(weights, indent=1) + "\n", encoding="utf-8")
    return 0


def _read(name: str, data: Path) -> list[TrainingItem]:
    items = []
    for judged in getattr(extraction, f"{name}_pages")(data):
        if judged.authors is None:
            continue
        try:
            markup, tree = parse_page(decode(judged.data, "text/html"))
        except Permanent:
            continue
        metadata = metadata_of(tree, markup)
        page, claims = author_page(tree, markup, metadata, html_blocks(tree), judged.url)
        asked = claims()
        items.append(TrainingItem(name, judged, page, metadata.declared, asked, candidates(asked, page)))
    return items


def _fit(items: list[TrainingItem]) -> dict[str, float]:
    """The regularised maximum-likelihood weights for these pages."""
    learnt = [item for item in items if not authors_of(item.declared, list, item.page)]
    learnt = [item for item in learnt if not item.judged.authors or _right(item)]
    names = sorted({name for item in learnt for _, row in item.found for name in row})
    rows = [[[row.get(name, 0.0) for name in names] for _, row in item.found] for item in learnt]
    x = np.concatenate([np.array([[0.0] * len(names), *of_page]) for of_page in rows])
    starts = np.cumsum([0, *(len(of_page) + 1 for of_page in rows)])[:-1]
    page_of = np.repeat(np.arange(len(rows)), [len(of_page) + 1 for of_page in rows])
    right = starts + np.array([_right(item) for item in learnt])
    weight = np.array([1.0 if item.judged.authors else _UNSIGNED for item in learnt])
    penalty = np.where(np.array(names) == "any", 0.01, _PENALTY)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        scores = x @ weights
        powers = np.exp(scores - np.maximum.reduceat(scores, starts)[page_of])
        chances = powers / np.add.reduceat(powers, starts)[page_of]
        gradient = x.T @ (chances * weight[page_of]) - x[right].T @ weight + penalty * weights
        return -(weight * np.log(chances[right])).sum() + 0.5 * (penalty * weights**2).sum(), gradient

    found = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B", options={"maxiter": 400}).x
    return dict(zip(names, found.tolist(), strict=True))


def _right(item: TrainingItem) -> int:
    """Index of the correct candidate, from 1; 0 for no author."""
    wanted = item.judged.authors or ()
    places = (place for place, (names, _) in enumerate(item.found, 1) if wanted and same_names(wanted, names))
    return next(places, 0)


def _cross_validate(items: list[TrainingItem], folds: int) -> None:
    scores: dict[float, list[list[float]]] = {threshold: [] for threshold in THRESHOLDS}
    for draw in range(DRAWS):
        fold = folds_of([item.judged for item in items], folds, draw)
        answers: dict[float, list[tuple[str, ...]]] = {threshold: [()] * len(items) for threshold in THRESHOLDS}
        for number in range(folds):
            weights = _fit([item for item, other in zip(items, fold, strict=True) if other != number])
            for place, item in enumerate(items):
                for threshold in THRESHOLDS if fold[place] == number else ():
                    answers[threshold][place] = _answer(item, weights, threshold)
        for threshold in THRESHOLDS:
            scores[threshold].append(_scores(items, answers[threshold]))
    for threshold in THRESHOLDS:
        print(f"mean of {DRAWS}, {threshold}:", _row(np.mean(scores[threshold], axis=0).tolist()))


def _answer(item: TrainingItem, weights: dict[str, float], threshold: float) -> tuple[str, ...]:
    return authors_of(item.declared, lambda: item.claims, item.page, author_choice.Scale(weights, threshold))


def _scores(items: list[TrainingItem], answers: list[tuple[str, ...]]) -> list[float]:
    both = list(zip(items, answers, strict=True))
    exact = [
        share([same_names(one.judged.authors, got) for one, got in both if one.set_name == name and one.judged.authors])
        for name in SETS
    ]
    unsigned = [(one, got) for one, got in both if not one.judged.authors]
    pooled = share([bool(got) for one, got in unsigned if one.set_name != "wcxb"])
    return [*exact, pooled, share([bool(got) for one, got in unsigned if one.set_name == "wcxb"])]


def _row(scores: list[float]) -> str:
    labels = (*SETS, "false author", "false author of wcxb")
    return "  ".join(f"{label} {score:.3f}" for label, score in zip(labels, scores, strict=True))


if __name__ == "__main__":
    raise SystemExit(main())
