"""Classification of failures, the dead-letter limit and retry timing."""

from __future__ import annotations

import pytest
from redis.exceptions import ReadOnlyError, ResponseError

from shared.broker.consume import RetryTiming
from shared.broker.failures import INVALID, DeadLetterLimit, DeadLetterRateExceeded, FailureKind, classify
from shared.errors import CorruptRecord, Permanent, Retryable, StoreUnavailable
from shared.search.errors import IndexMissing, QueueFull, Rejected, SearchUnavailable


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_limit_is_reached_when_most_entries_are_dead_lettered() -> None:
    limit = DeadLetterLimit(5, clock=Clock())
    for _ in range(5):
        limit.record_dead_letter("no-body")
    with pytest.raises(DeadLetterRateExceeded, match="5 dead letters within 60 s"):
        limit.record_dead_letter("no-body")


def test_the_limit_ignores_a_small_share_and_unreadable_entries_and_expires_after_a_minute() -> None:
    clock = Clock()
    limit = DeadLetterLimit(5, clock=clock)
    for _ in range(1000):
        limit.record_dead_letter(INVALID)
    limit.record_success(1000)
    for _ in range(400):
        limit.record_dead_letter("no-body")
    clock.now += 61
    for _ in range(5):
        limit.record_dead_letter("no-body")
    with pytest.raises(DeadLetterRateExceeded):
        limit.record_dead_letter("no-body")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (StoreUnavailable("x"), FailureKind.INFRASTRUCTURE),
        (SearchUnavailable("x"), FailureKind.INFRASTRUCTURE),
        (QueueFull("x"), FailureKind.INFRASTRUCTURE),
        (IndexMissing("x"), FailureKind.INFRASTRUCTURE),
        (ReadOnlyError("x"), FailureKind.INFRASTRUCTURE),
        (ResponseError("MISCONF x"), FailureKind.INFRASTRUCTURE),
        (ResponseError("WRONGTYPE x"), FailureKind.DEFECT),
        (TimeoutError(), FailureKind.DEFECT),
        (Retryable("x"), FailureKind.RETRYABLE),
        (Permanent("x"), FailureKind.PERMANENT),
        (CorruptRecord("x"), FailureKind.PERMANENT),
        (Rejected("x", []), FailureKind.PERMANENT),
        (KeyError("x"), FailureKind.DEFECT),
    ],
)
def test_every_error_has_one_kind(error: Exception, kind: FailureKind) -> None:
    assert classify(error) is kind


def test_a_reported_failure_is_retried_sooner_than_an_abandoned_entry_with_doubling_back_off() -> None:
    timing = RetryTiming(15_000, 1.0)
    waits = [timing.reclaim_after_ms(n) - timing.deferred_idle_ms(n, None) for n in (1, 2, 3, 4)]
    for wait, expected in zip(waits, (1000, 2000, 4000, 8000), strict=True):
        assert expected * 0.79 <= wait <= expected * 1.21
    assert timing.reclaim_after_ms(1) - timing.deferred_idle_ms(1, 6.0) == 6000
    assert timing.deferred_idle_ms(1, 3600.0) == 0
    assert [timing.reclaim_after_ms(n) for n in (0, 1, 2, 3, 4)] == [15_000, 15_000, 15_000, 30_000, 60_000]
