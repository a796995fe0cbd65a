"""Retries: spread over time, and none counted for what is our own fault."""

from __future__ import annotations

import pytest

from services.notify.domain.retry_policy import ATTEMPTS, AttemptResult, decide_retry
from tests.support.builders import NOON


@pytest.mark.parametrize(
    "result",
    [
        AttemptResult(500, "the endpoint answered 500"),
        AttemptResult(429, "the endpoint answered 429", "3600"),
        AttemptResult(0, "no name server", is_local=True),
    ],
    ids=["back-off", "Retry-After", "local"],
)
def test_retries_of_the_same_moment_are_spread(result: AttemptResult) -> None:
    early, late = (decide_retry(result, attempts=2, now=NOON, chance=chance).retry_after for chance in (0.0, 0.9))
    assert early is not None
    assert late is not None
    assert late > early * 1.1


def test_a_local_fault_is_retried_however_often_and_says_nothing_about_the_endpoint() -> None:
    for attempts in (1, ATTEMPTS, ATTEMPTS + 5):
        decision = decide_retry(
            AttemptResult(0, "no name server", is_local=True), attempts=attempts, now=NOON, chance=0.5
        )
        assert (decision.good, decision.disable, decision.pause) == (None, "", 0.0)
        assert decision.retry_after is not None
