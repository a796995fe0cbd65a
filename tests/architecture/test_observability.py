"""Dashboards and alerts ask for metrics that exist, with labels that they have; every service is scraped."""

from __future__ import annotations

import html
import re

import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram

from services.ingest.adapters.poll_scheduler import SOURCE_PROBLEM_KINDS
from shared.observability import metrics
from tests.architecture.source import ROOT, SERVICES

FOLDER = ROOT / "infra/observability"
SCRAPE = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
ALERTS = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))
CONSOLES = sorted(path.stem for path in (FOLDER / "consoles").glob("*.html"))
PANEL = re.compile(r'\{\{ template "panel" \(args "([^"]+)" `([^`]+)` "([^"]+)"\) \}\}')
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))

MEILISEARCH = {
    "meilisearch_db_size_bytes": (),
    "meilisearch_http_requests_total": ("method", "path", "status"),
    "meilisearch_http_response_time_seconds_bucket": ("method", "path", "le"),
    "meilisearch_index_docs_count": ("index",),
    "meilisearch_nb_tasks": ("kind", "value"),
    "meilisearch_task_queue_latency_seconds": (),
    "meilisearch_task_queue_size_until_stop_registering": (),
}
"""What the /metrics of Meilisearch 1.50.0 says."""
SCRAPED = {"service", "job", "instance"}
WORD = re.compile(r"\b(?:broadsheet|meilisearch)_\w+|\bup\b")
LABELS = re.compile(r"\{([^}]*)\}")
GROUPED = re.compile(r"\bby \(([^)]*)\)")


def known() -> dict[str, set[str]]:
    """Series name -> its labels."""
    found = {"up": set(SCRAPED)} | {name: {*labels, *SCRAPED} for name, labels in MEILISEARCH.items()}
    for metric in vars(metrics).values():
        if isinstance(metric, Counter | Gauge | Histogram):
            labels = {*metric._labelnames, *SCRAPED}
            endings = {Counter: ("_total",), Gauge: ("",), Histogram: ("_bucket", "_sum", "_count")}[type(metric)]
            found |= {metric._name + end: labels | ({"le"} if end == "_bucket" else set()) for end in endings}
    return found


def panels() -> list[tuple[str, str, str, str]]:
    """(dashboard, title, expression, unit)"""
    return [
        (console, *panel)
        for console in CONSOLES
        for panel in PANEL.findall((FOLDER / "consoles" / f"{console}.html").read_text("utf-8"))
    ]


RULES = [(rule["alert"], rule["expr"]) for group in ALERTS["groups"] for rule in group["rules"]]
EXPRESSIONS = RULES + [(f"{console}: {title}", expression) for console, title, expression, _ in panels()]


@pytest.mark.parametrize(("name", "expression"), EXPRESSIONS, ids=[name for name, _ in EXPRESSIONS])
def test_every_expression_asks_for_series_and_labels_that_exist(name: str, expression: str) -> None:
    series = known()
    bare = re.sub(r'"[^"]*"', '""', expression)
    named = WORD.findall(bare)
    assert named
    assert [word for word in named if word not in series] == []
    asked = {part.strip() for group in GROUPED.findall(bare) for part in group.split(",")}
    asked |= {
        re.split(r"[=!~]", part)[0].strip() for group in LABELS.findall(bare) for part in group.split(",") if part
    }
    assert asked <= set().union(*(series[word] for word in named)), asked


def test_the_check_sees_a_metric_that_nobody_has() -> None:
    for wrong in ("broadsheet_nothing_total", "sum by (colour) (up)", 'broadsheet_dlq_depth{shape="round"}'):
        with pytest.raises(AssertionError):
            test_every_expression_asks_for_series_and_labels_that_exist("planted", wrong)


def test_the_four_dashboards_have_panels_with_known_units_and_every_one_is_read() -> None:
    assert CONSOLES == ["flow", "redis", "security", "subscribers"]
    lib = (FOLDER / "consoles/panels.lib").read_text("utf-8")
    for console in CONSOLES:
        text = (FOLDER / "consoles" / f"{console}.html").read_text("utf-8")
        assert text.count('template "panel"') == len(PANEL.findall(text)) >= 6, console
        assert f'href="{console}.html"' in lib
    units = set(re.findall(r'^  "?([a-z ]+)"?: v =>', lib, re.MULTILINE))
    assert {unit for *_, unit in panels()} <= units
    assert html.unescape(lib) == lib  # nothing from elsewhere is loaded, nothing is escaped twice
    assert "//" not in re.sub(r'"http://www\.w3\.org/[^"]*"', "", lib)


def test_every_alert_says_what_is_wrong_and_what_to_do() -> None:
    for group in ALERTS["groups"]:
        for rule in group["rules"]:
            assert set(rule["annotations"]) == {"summary", "do"}, rule["alert"]
            assert rule["labels"]["severity"] in ("page", "ticket")
    assert len({name for name, _ in RULES}) == len(RULES)


def test_every_service_is_scraped_at_the_port_that_its_health_is_asked_at() -> None:
    jobs = {job["job_name"]: job for job in SCRAPE["scrape_configs"]}
    targets = {
        config["labels"]["service"]: config["targets"] for job in jobs.values() for config in job["static_configs"]
    }
    wanted = {name: [f"{name}:{COMPOSE['services'][name]['healthcheck']['test'][-1]}"] for name in SERVICES}
    assert targets == wanted | {"meilisearch": ["meilisearch:7700"]}
    assert jobs["meilisearch"]["authorization"] == {"credentials_file": "/run/broadsheet/index-key"}


def test_prometheus_reads_our_files_and_a_key_that_only_looks() -> None:
    spec = COMPOSE["services"]["prometheus"]
    assert spec["volumes"][:2] == ["./infra/observability:/etc/prometheus:ro", "secret-prometheus:/run/broadsheet:ro"]
    assert re.fullmatch(r"prom/prometheus:v\d+\.\d+\.\d+", spec["image"])
    assert SCRAPE["rule_files"] == ["/etc/prometheus/alerts.yml"]


def test_every_problem_of_a_source_has_an_alert() -> None:
    asked = {
        match[1]: float(match[2])
        for _, expression in RULES
        if (
            match := re.search(
                r'broadsheet_source_problems_total\{problem="([^"]+)"\}\[\d+[hd]\]\)\) > (\d)$', expression
            )
        )
    }
    assert set(asked) == set(SOURCE_PROBLEM_KINDS)
    assert asked["dead"] == 0, "one poll with dead articles is enough"
    assert asked["nothing-published"] >= 1, "articles of the newest poll may still be on their way"
