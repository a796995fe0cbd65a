"""How likely two articles tell of one event."""

from __future__ import annotations

from datetime import timedelta

from services.enrich.domain.terms.fingerprint import fingerprint
from services.index.domain.similarity import Profile, date_weight, profile_of, similarity, vectors
from tests.support.builders import NOON, make_article
from tests.unit.index.test_grouping import FERRY, FERRY_ELSEWHERE, GLACIER


def profile(texts: tuple[str, ...], days: int = 0) -> Profile:
    return profile_of(make_article(published_at=NOON + timedelta(days=days), fingerprint=fingerprint("", texts, "en")))


def alike(left: Profile, right: Profile, **fields: float) -> float:
    return similarity(left, vectors(left, lambda _: 1.0), right, vectors(right, lambda _: 1.0), **fields)


def test_two_reports_of_one_event_are_nearer_than_two_events() -> None:
    assert alike(profile(FERRY), profile(FERRY_ELSEWHERE)) > alike(profile(FERRY), profile(GLACIER))


def test_days_between_make_it_less_likely() -> None:
    same, later = alike(profile(FERRY), profile(FERRY)), alike(profile(FERRY), profile(FERRY, days=90))
    assert later < same


def test_the_same_day_says_nothing_where_everything_is_of_that_day() -> None:
    own, today, long_ago = profile(FERRY), profile(GLACIER), profile(GLACIER, days=-400)
    assert date_weight(own, [today, today]) == 0.0
    assert date_weight(own, [today, long_ago]) == 0.5
    assert date_weight(own, []) == 1.0
    assert alike(own, today, date_weight=0.0) < alike(own, today, date_weight=1.0)


QUAKE = (
    "A magnitude 5.6 earthquake shook Sarn island on Sunday, injuring nine people near the town of Velmar.",
    "Velmar's mayor Odile Brandt said rescue teams searched the fish market and a school on Kiln Street.",
)
QUAKE_ELSEWHERE = (
    "Nine people were injured when an earthquake of magnitude 5.6 struck Sarn island on Sunday near Velmar.",
    "Rescue teams searched the school on Kiln Street, said Odile Brandt, who is mayor of Velmar.",
)
OTHER_QUAKE = (
    "A magnitude 6.1 earthquake shook Sarn island on Sunday, killing ten people and injuring fifty in seven villages.",
    "Governor Tomas Eskil said rescue teams flew helicopters to Harrow and that tents were on their way.",
)


def test_two_events_of_one_kind_are_less_alike_than_two_reports_of_one() -> None:
    assert alike(profile(QUAKE), profile(QUAKE_ELSEWHERE)) > 0.9
    assert alike(profile(QUAKE), profile(OTHER_QUAKE, days=900)) < 0.5
