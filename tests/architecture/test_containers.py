"""The container files keep their promises: one Dockerfile, one anchor, nothing privileged, no secret in a file."""

from __future__ import annotations

import inspect
import os
import re
import runpy
from fnmatch import fnmatchcase
from ipaddress import ip_network
from typing import Any

import pytest
import yaml

from shared.search import grants
from shared.search.meilisearch import settings as shape
from shared.store import keys
from shared.topology import STREAMS
from tests.architecture.source import ROOT, SERVICES

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
DOCKERFILE = (ROOT / "infra/Dockerfile").read_text("utf-8")
ONCE = {"secrets", "bootstrap"}
CALLED = {"cli", "selfcheck", "backup"}
SERVERS = {"redis", "meilisearch"}
PASSWORDS = runpy.run_path(str(ROOT / "infra/container/passwords.py"))
USERS: dict[str, str] = PASSWORDS["USERS"]
FROM_ANCHOR = ("read_only", "cap_drop", "security_opt", "pids_limit", "stop_grace_period", "logging")
MERGED = re.compile(r"^    <<: (\*service|\*command|\[\*tool, \*service\])( #.*)?$", re.MULTILINE)


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = COMPOSE["services"][name]
    return found


def test_there_is_exactly_one_dockerfile() -> None:
    found = []
    for folder, inner, files in os.walk(ROOT):
        inner[:] = [name for name in inner if name != "data" and not name.startswith(".")]
        found += [f"{folder}/{name}" for name in files if name.lower().startswith("dockerfile")]
    assert found == [f"{ROOT}/infra/Dockerfile"]


def test_compose_runs_the_services_and_their_servers() -> None:
    assert set(COMPOSE["services"]) == {*SERVICES, *SERVERS, *CALLED, *ONCE, "prometheus"}


def test_the_pinned_meilisearch_is_the_one_this_build_is_proven_on() -> None:
    assert service("meilisearch")["image"] == f"getmeili/meilisearch:v{shape.PINNED}"
    assert re.fullmatch(r"\d+\.\d+\.\d+", shape.PINNED)


def test_meilisearch_runs_in_production_with_a_key_from_a_file() -> None:
    spec = service("meilisearch")
    assert spec["environment"]["MEILI_ENV"] == "production"
    assert "MEILI_MASTER_KEY" not in spec["environment"]  # docker inspect shows the environment
    assert spec["volumes"][0] == "secret-meilisearch:/run/broadsheet:ro"
    assert spec["user"].split(":")[0] not in ("0", "root")


@pytest.mark.parametrize("name", sorted({*SERVICES, *ONCE, *CALLED}))
def test_every_service_merges_the_anchor(name: str) -> None:
    """Checked in the source, because after parsing a copied block looks like a merged one."""
    block = re.search(
        rf"^  {name}:\n((?:    .*\n|\n)+)", (ROOT / "docker-compose.yml").read_text("utf-8"), re.MULTILINE
    )
    assert block
    assert MERGED.search(block[1])
    anchor = COMPOSE["x-service"]
    assert {key: service(name)[key] for key in FROM_ANCHOR} == {key: anchor[key] for key in FROM_ANCHOR}


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_no_container_is_privileged(name: str) -> None:
    spec = service(name)
    assert spec["read_only"] is True
    assert all(mount.split(":")[0] == "/tmp" for mount in spec["tmpfs"])
    assert spec["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in spec["security_opt"]
    assert spec["mem_limit"]
    assert spec["pids_limit"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode"} & set(spec)


@pytest.mark.parametrize("name", [*SERVICES, *sorted(SERVERS)])
def test_what_runs_for_ever_is_checked_and_comes_back(name: str) -> None:
    assert service(name)["restart"] == "always"
    assert service(name)["healthcheck"]["test"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_healthy_when_its_own_port_is_ready(name: str) -> None:
    spec = service(name)
    ports = [value for key, value in spec["environment"].items() if key.endswith("PORT")]
    assert spec["healthcheck"]["test"] == ["CMD", "python", "infra/container/healthcheck.py", *ports]
    assert spec["build"]["args"] == {"SERVICE": name}


def test_only_ingest_serve_and_the_profile_s_prometheus_are_published_and_on_loopback_only() -> None:
    published = {name: spec["ports"] for name, spec in COMPOSE["services"].items() if "ports" in spec}
    assert set(published) == {"ingest", "serve", "prometheus"}
    assert service("prometheus")["profiles"] == ["observability"]
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_the_core_network_reaches_nothing_outside() -> None:
    assert COMPOSE["networks"]["core"]["internal"] is True
    assert [service(name)["networks"] for name in sorted(SERVERS)] == [["core"], ["core"]]
    assert COMPOSE["networks"]["edge"]["driver_opts"] == {"com.docker.network.bridge.enable_ip_masquerade": "false"}
    reached = {name: service(name)["networks"] for name in COMPOSE["services"]}
    assert [name for name in SERVICES if "egress" in reached[name]] == ["ingest", "notify"]  # feeds and webhooks
    assert sorted(name for name, networks in reached.items() if "edge" in networks) == ["prometheus", "serve"]
    assert not [name for name, networks in reached.items() if {"edge", "egress"} <= set(networks)]


@pytest.mark.parametrize("name", [*SERVICES, "cli"])
def test_a_container_holds_no_other_service_s_password(name: str) -> None:
    secrets = {volume.split(":")[0] for volume in service(name)["volumes"] if volume.startswith(("secret-", "acl"))}
    assert secrets == {f"secret-{name}"}


def test_only_those_who_search_hold_a_search_key_and_only_their_own() -> None:
    assert PASSWORDS["SEARCH"] == {"index": "index", "serve": "serve", "cli": "ops", "prometheus": "ops"}
    assert set(PASSWORDS["SEARCH"].values()) == set(grants.GRANTS)
    writes = {"documents.add", "documents.delete", "indexes.delete", "indexes.swap", "settings.update"}
    assert [name for name, grant in grants.GRANTS.items() if writes & set(grant.actions)] == ["index"]
    assert not any("*" in action or "keys" in action for grant in grants.GRANTS.values() for action in grant.actions)


def test_bootstrap_acts_as_operator_and_leaves_the_key_with_the_command_line() -> None:
    assert service("bootstrap")["volumes"] == ["secret-operator:/run/broadsheet:ro", "secret-cli:/secrets/cli"]


def test_the_command_line_starts_only_when_called_and_waits_for_nothing() -> None:
    """It must be able to say that Redis is down, so it may not depend on it."""
    cli = service("cli")
    assert (cli["profiles"], cli["restart"], cli["networks"]) == (["cli"], "no", ["core"])
    assert not {"depends_on", "ports", "healthcheck"} & set(cli)
    assert cli["volumes"] == ["secret-cli:/run/broadsheet:ro"] == service("selfcheck")["volumes"]
    assert service("secrets")["build"]["args"] == {"SERVICE": "cli", "CODE": "broadsheet"}


def test_an_image_is_built_for_one_service_only() -> None:
    """Built for two, it is two images with one name, and the next `up` or `run` makes the whole stack anew."""
    built = [spec["image"] for spec in COMPOSE["services"].values() if "build" in spec]
    assert len(built) == len(set(built))
    for name, spec in COMPOSE["services"].items():
        if spec["image"] in built and "build" not in spec:
            assert spec["pull_policy"] == "never", f"{name} would be looked for in a registry"


@pytest.mark.parametrize("name", [*SERVICES, "cli"])
def test_nobody_s_redis_user_can_flush_or_reconfigure(name: str) -> None:
    """Nor may one write everywhere: only the operator, whose password no running service holds, can."""
    granted = USERS[name].split()
    commands = [word for word in granted if word[0] in "+-"]
    assert commands[:3] == ["+@all", "-@admin", "-@dangerous"]
    assert set(commands[3:]) <= {"+info", "+config|get"}
    assert not {"~*", "allkeys", "&*"} & set(granted)


def every_key() -> dict[str, str]:
    """Name in `shared/store/keys.py` -> the key, with `x` for what it is about."""
    found: dict[str, str] = {}
    for name, value in vars(keys).items():
        if name.startswith("_"):
            continue
        if isinstance(value, str) and value.startswith("{"):
            found[name] = value
        elif inspect.isfunction(value) and value.__module__ == keys.__name__:
            found[name] = value(*["x"] * len(inspect.signature(value).parameters))
    return found


@pytest.mark.parametrize(("name", "key"), every_key().items())
def test_every_key_can_be_written_by_a_service(name: str, key: str) -> None:
    """A store that got a new key works everywhere but in compose, until a Redis user there may write it."""
    writers = [
        user
        for user, rules in USERS.items()
        if user != "operator" and any(fnmatchcase(key, word[1:]) for word in rules.split() if word[0] == "~")
    ]
    assert writers, f"{key}: give it to a user in infra/container/passwords.py"


def test_the_command_line_cannot_change_an_article() -> None:
    writable = [word[1:] for word in USERS["cli"].split() if word[0] == "~"]
    assert writable
    assert not any(fnmatchcase(keys.article("a1b2"), pattern) for pattern in writable)
    for stream in STREAMS:
        if stream.groups:
            assert any(fnmatchcase(stream.dead_key, pattern) for pattern in writable)


def test_services_wait_for_redis_and_the_groups_and_for_no_other_service() -> None:
    """`up -d` must heal: it gives up at once where it meets a dependency that a long outage has made unhealthy."""
    for name in SERVICES:
        assert service(name)["depends_on"] == {
            "redis": {"condition": "service_healthy"},
            "bootstrap": {"condition": "service_completed_successfully"},
        }


def test_the_backup_reads_the_files_of_redis_and_writes_nothing() -> None:
    backup = service("backup")
    assert (backup["profiles"], backup["restart"]) == (["backup"], "no")
    assert backup["volumes"] == ["secret-operator:/run/broadsheet:ro", "redis:/var/lib/broadsheet/redis:ro"]


def test_the_self_check_waits_for_every_service() -> None:
    selfcheck = service("selfcheck")
    assert (selfcheck["profiles"], selfcheck["command"]) == (["selfcheck"], ["selfcheck"])
    assert set(selfcheck["depends_on"]) == set(SERVICES)
    assert {value["condition"] for value in selfcheck["depends_on"].values()} == {"service_healthy"}


def test_the_servers_wait_for_their_secrets_and_bootstrap_for_the_servers() -> None:
    for name in SERVERS:
        assert service(name)["depends_on"] == {"secrets": {"condition": "service_completed_successfully"}}
    assert service("bootstrap")["depends_on"] == {name: {"condition": "service_healthy"} for name in SERVERS}


def test_env_is_optional_and_never_committed() -> None:
    named = set(re.findall(r"\$\{(\w+)[^}]*\}", (ROOT / "docker-compose.yml").read_text("utf-8")))
    assert named == {"BROADSHEET_SECRET", "BROADSHEET_EDGE_NETWORK", "BROADSHEET_EGRESS_NETWORK"}
    assert service("secrets")["environment"] == {"BROADSHEET_SECRET": "${BROADSHEET_SECRET:-}"}
    assert "/.env" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert (ROOT / ".dockerignore").read_text("utf-8").startswith("*\n")


@pytest.mark.parametrize(("name", "network"), [("serve", "edge"), ("ingest", "egress")])
def test_a_service_trusts_proxies_of_its_own_network_only(name: str, network: str) -> None:
    trusted = service(name)["environment"][f"{name.upper()}_TRUSTED_PROXIES"]
    assert COMPOSE["networks"][network]["ipam"]["config"] == [{"subnet": trusted}]
    default = re.fullmatch(r"\$\{BROADSHEET_\w+_NETWORK:-([0-9./]+)\}", trusted)
    assert default, "the network has an address without any environment"
    assert ip_network(default[1]).is_private
    assert network in service(name)["networks"]


def test_no_secret_is_written_in_a_file() -> None:
    written = [path for path in (ROOT / "infra").rglob("*.*") if path.suffix != ".pyc"]
    text = "".join(path.read_text("utf-8") for path in [ROOT / "docker-compose.yml", *written])
    assert not re.search(r"(password|secret|key|token)\s*[:=]\s*[\"']?[A-Za-z0-9+/_-]{12,}", text, re.IGNORECASE)


def test_redis_keeps_what_it_acknowledged() -> None:
    lines = (ROOT / "infra/redis.conf").read_text("utf-8").splitlines()
    assert {"appendonly yes", "appendfsync always", "maxmemory-policy noeviction", "protected-mode yes"} <= set(lines)
    assert any(line.startswith("aclfile ") for line in lines)


def test_the_image_is_small_in_rights_and_holds_one_service() -> None:
    assert re.search(r"^USER (?!0|root)\S+$", DOCKERFILE, re.MULTILINE)
    assert 'uv sync --locked --no-dev --no-install-project --extra "$SERVICE"' in DOCKERFILE
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert copies == [
        "pyproject.toml uv.lock",
        "infra/container",
        "shared",
        "services/__init__.py",
        "$CODE",
    ]
    assert "ARG CODE=services/$SERVICE\n" in DOCKERFILE
    assert "--mount" not in DOCKERFILE  # builds with the classic builder too
