"""What needs no running stack: help, misuse, content types, bulk batches, the console, the samples."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from broadsheet.cli.bulk import BATCH_LINES, _batches
from broadsheet.cli.options import printable
from broadsheet.cli.publishing import BULK, media_type_of
from broadsheet.failure import CliFailure
from broadsheet.supervisor.console import Console, LogFile
from broadsheet.supervisor.process import describe_exit
from broadsheet.supervisor.samples import samples
from broadsheet.supervisor.services import Stack


def run(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "broadsheet", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


COMMANDS = ("up", "down", "status", "ingest", "search", "tail", "keys", "dead", "lag", "reindex", "doctor", "topology")
HEAVY = ("redis", "faststream", "httpx", "fastapi", "tantivy", "rich.progress")


def test_help_names_every_command() -> None:
    shown = run("--help").stdout
    assert [name for name in (*COMMANDS, "bench") if f" {name} " not in shown] == []


def test_every_benchmark_is_a_command() -> None:
    shown = run("bench", "--help").stdout
    assert [name for name in ("pipeline", "quality", "match", "events") if f" {name} " not in shown] == []


def test_the_command_line_does_not_load_the_world_to_show_its_help() -> None:
    program = f"import sys, broadsheet.cli; print([name for name in {HEAVY} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert loaded.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["up", "--only", "sports"], "unknown service 'sports'"),
        (["ingest", "/no/such/file"], "no such file"),
        (["dead", "list", "--stream", "nonsense"], ""),
        (["dead", "retry"], "name one dead letter"),
        (["nonsense"], "No such command"),
    ],
)
def test_misuse_ends_with_a_reason_and_not_with_a_traceback(args: list[str], says: str) -> None:
    done = run(*args)
    assert done.returncode in {1, 2}
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.txt", "text/plain; charset=utf-8"),
        ("A.HTML", "text/html; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.ndjson", BULK),
        ("a.jsonl.zst", BULK),
        ("a.JSONL.GZ", BULK),
        ("a.zst", ""),
        ("a", ""),
    ],
)
def test_the_content_type_is_read_from_the_suffix(name: str, kind: str) -> None:
    assert media_type_of(Path(name)) == kind


def test_bulk_batches_are_bounded_and_keep_the_line_numbers() -> None:
    lines = [f'{{"n": {n}}}' for n in range(BATCH_LINES * 2 + 3)]
    batches = list(_batches(io.BytesIO("\r\n".join(lines).encode()), None))
    assert [(first, len(batch)) for first, batch in batches] == [(1, 500), (501, 500), (1001, 3)]
    assert b"".join(batches[2][1]) == b'{"n": 1000}{"n": 1001}{"n": 1002}'


def test_bulk_lines_get_the_source_they_lack_and_nothing_else() -> None:
    given = b'{"a": 1}\n{"source": "own"}\nbroken\n[1]\n'
    ((_, batch),) = _batches(io.BytesIO(given), "wire")
    assert json.loads(batch[0]) == {"a": 1, "source": "wire"}
    assert batch[1:] == [b'{"source": "own"}', b"broken", b"[1]"]


def test_an_endless_line_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broadsheet.cli.bulk.LINE_BYTES", 100)
    with pytest.raises(CliFailure, match="line 2 is longer"):
        list(_batches(io.BytesIO(b"short\n" + b"x" * 101), None))


def test_what_strangers_wrote_cannot_move_the_cursor() -> None:
    assert printable("a\x1b[2J\rb\u202ec") == "a [2J b c"


def test_console_lines_are_plain_without_a_terminal_and_coloured_on_one() -> None:
    plain, coloured = io.StringIO(), io.StringIO()
    Console(plain, colour=False).line("serve", "up\x1b[2J")
    Console(coloured, colour=True).line("serve", "up")
    assert plain.getvalue() == "serve  | up\\x1b[2J\n"
    assert coloured.getvalue() == "\x1b[32mserve  |\x1b[0m up\n"


def test_a_console_that_nobody_reads_is_silent_and_not_an_error() -> None:
    out = io.StringIO()
    out.close()
    console = Console(out, colour=False)
    console.say("one")
    console.line("serve", "two")


def test_a_log_file_is_rotated_once_it_is_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broadsheet.supervisor.console._ROTATE_AT", 10)
    log = LogFile(tmp_path / "serve.log")
    for line in (b"first line\n", b"second line", b"third line\n"):
        log.write(line)
    log.close()
    assert (tmp_path / "serve.log.1").read_bytes() == b"second line\n"
    assert (tmp_path / "serve.log").read_bytes() == b"third line\n"


def test_exits_are_described_in_words() -> None:
    assert [describe_exit(code) for code in (0, 3, -9, -99)] == [
        "exited with 0",
        "exited with 3",
        "was killed by SIGKILL",
        "was killed by signal 99",
    ]


def test_the_samples_are_of_every_kind_and_look_scraped() -> None:
    pages = samples()
    assert len(pages) == 8
    assert {page.media_type.partition(";")[0] for page in pages} == {"text/plain", "text/html", "application/json"}
    texts = [page.data.decode() for page in pages if page.media_type.startswith("text/plain")]
    assert all("Tags: #" in text and "More from this stream" in text for text in texts)
    assert any("Recomended" in text for text in texts)


def test_services_learn_their_addresses_and_keep_what_the_user_set() -> None:
    ports = {"redis": 1, "serve": 2, "ingest": 3, "enrich": 4, "index": 5, "notify": 6}
    stack = Stack(ports, "redis://:pw@127.0.0.1:1/0", "embedded:/data/index", "k" * 64)
    env = stack.environment({"PATH": "/bin", "BROADSHEET_LOG_FORMAT": "json", "INGEST_PORT": "99"})
    assert env["INGEST_PORT"] == "3"
    assert env["ENRICH_HEALTH_PORT"] == "4"
    assert env["SERVE_PUBLIC_URL"] == "http://127.0.0.1:2"
    assert (env["NOTIFY_HEALTH_PORT"], env["NOTIFY_PUBLIC_URL"]) == ("6", "http://127.0.0.1:2")
    assert env["BROADSHEET_WEBHOOK_KEY"] == "k" * 64
    assert (env["PATH"], env["BROADSHEET_LOG_FORMAT"]) == ("/bin", "json")
