"""Back-off and the burial ceiling, on a clock of our own."""

from __future__ import annotations

import pytest
from redis.exceptions import ReadOnlyError, ResponseError

from shared.broker.consume import Pace
from shared.broker.failures import INVALID, Breaker, Ceiling, Fault, TooManyDead, fault_of
from shared.errors import CorruptRecord, Permanent, Retryable, StoreUnavailable
from shared.search.errors import IndexMissing, QueueFull, Rejected, SearchUnavailable


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_pauses_grow_to_five_seconds_and_a_success_forgets_them() -> None:
    clock = Clock()
    breaker = Breaker(clock=clock)
    pauses = []
    for _ in range(12):
        breaker.failed()
        pauses.append(breaker.remaining())
        clock.now += breaker.remaining()
    assert all(0.1 <= pause <= 5.0 for pause in pauses)
    assert all(pause >= 2.5 for pause in pauses[6:])
    assert breaker.failing
    breaker.worked()
    assert not breaker.failing
    assert breaker.remaining() == 0
    breaker.failed()
    assert breaker.remaining() == pytest.approx(0.1)


def test_failures_within_one_pause_are_one() -> None:
    clock = Clock()
    breaker = Breaker(clock=clock)
    for _ in range(50):
        breaker.failed()
    assert breaker.remaining() == pytest.approx(0.1)


def test_the_ceiling_trips_when_nearly_everything_dies() -> None:
    ceiling = Ceiling(5, clock=Clock())
    for _ in range(5):
        ceiling.burial("no-body")
    with pytest.raises(TooManyDead, match="5 dead letters within 60 s"):
        ceiling.burial("no-body")


def test_the_ceiling_lets_a_few_of_many_and_any_garbage_die_and_forgets_after_a_minute() -> None:
    clock = Clock()
    ceiling = Ceiling(5, clock=clock)
    for _ in range(1000):
        ceiling.burial(INVALID)
    ceiling.succeeded(1000)
    for _ in range(400):
        ceiling.burial("no-body")
    clock.now += 61
    for _ in range(5):
        ceiling.burial("no-body")
    with pytest.raises(TooManyDead):
        ceiling.burial("no-body")


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (StoreUnavailable("x"), Fault.INFRASTRUCTURE),
        (SearchUnavailable("x"), Fault.INFRASTRUCTURE),
        (QueueFull("x"), Fault.INFRASTRUCTURE),
        (IndexMissing("x"), Fault.INFRASTRUCTURE),
        (ReadOnlyError("x"), Fault.INFRASTRUCTURE),
        (ResponseError("MISCONF x"), Fault.INFRASTRUCTURE),
        (ResponseError("WRONGTYPE x"), Fault.DEFECT),
        (TimeoutError(), Fault.DEFECT),
        (Retryable("x"), Fault.LATER),
        (Permanent("x"), Fault.NEVER),
        (CorruptRecord("x"), Fault.NEVER),
        (Rejected("x", []), Fault.NEVER),
        (KeyError("x"), Fault.DEFECT),
    ],
)
def test_whose_failure_it_is(error: Exception, fault: Fault) -> None:
    assert fault_of(error) is fault


def test_a_polite_failure_waits_less_than_an_abandoned_entry_and_longer_each_time() -> None:
    pace = Pace(15_000, 1.0)
    waits = [pace.due_after(n) - pace.idle_for(n, None) for n in (1, 2, 3, 4)]
    for wait, expected in zip(waits, (1000, 2000, 4000, 8000), strict=True):
        assert expected * 0.79 <= wait <= expected * 1.21
    assert pace.due_after(1) - pace.idle_for(1, 6.0) == 6000
    assert pace.idle_for(1, 3600.0) == 0
    assert [pace.due_after(n) for n in (0, 1, 2, 3, 4)] == [15_000, 15_000, 15_000, 30_000, 60_000]
