"""Exponential back-off with jitter, on a fake clock."""

from __future__ import annotations

from shared.backoff import Backoff


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def pauses_of(backoff: Backoff, clock: Clock, count: int) -> list[float]:
    pauses = []
    for _ in range(count):
        pauses.append(backoff.failed())
        clock.now += backoff.remaining()
    return pauses


def test_pauses_double_up_to_the_longest_and_a_success_resets_them() -> None:
    clock = Clock()
    backoff = Backoff(clock=clock)
    pauses = pauses_of(backoff, clock, 12)
    for at, pause in enumerate(pauses):
        ceiling = min(5.0, 0.1 * 2**at)
        assert ceiling * 0.499 <= pause <= ceiling * 1.001
    assert backoff.is_failing
    backoff.succeeded()
    assert not backoff.is_failing
    assert backoff.remaining() == 0
    assert backoff.failed() <= 0.1


def test_two_processes_that_fail_together_do_not_retry_together() -> None:
    clock = Clock()
    first = pauses_of(Backoff(clock=clock), clock, 8)
    second = pauses_of(Backoff(clock=clock), clock, 8)
    assert all(one != other for one, other in zip(first, second, strict=True))


def test_failures_reported_during_one_pause_count_as_one() -> None:
    clock = Clock()
    backoff = Backoff(clock=clock)
    for _ in range(50):
        backoff.failed()
    assert backoff.remaining() <= 0.1


def test_a_thousand_failures_do_not_overflow() -> None:
    clock = Clock()
    assert pauses_of(Backoff(first=0.5, longest=2.0, clock=clock), clock, 1000)[-1] <= 2.0
