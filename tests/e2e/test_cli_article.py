"""`broadsheet article` on a running stack."""

from __future__ import annotations

import pytest

from tests.e2e.running_stack import RunningStack, answer, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.redis, pytest.mark.timeout(180)]


def test_an_article_is_withdrawn_restored_and_retracted(stack: RunningStack) -> None:
    page = b"The lamplighter of Quern Street\n\nShe lights forty lamps each evening, and puts them out at dawn."
    sent = answer(stack.cli("ingest", "--type", "text", "--wait", "--json", "-", stdin=page))
    ident = sent["id"]

    def state() -> str:
        dry = ("article", "withdraw", ident, "--reason", "x", "--dry-run", "--json")
        return str(answer(stack.cli(*dry))["state"])

    def found() -> int:
        return len(answer(stack.cli("search", "lamplighter", "--json"))["response"]["results"])

    reason = ("--reason", "We are looking into it.", "--json")
    assert answer(stack.cli("article", "withdraw", ident, *reason, "--dry-run"))["state"] == "published"
    assert answer(stack.cli("article", "withdraw", ident, *reason))["status"] == "accepted"
    wait_for(lambda: found() == 0, 30, "search to forget it")
    again = stack.cli("article", "withdraw", ident, *reason)
    assert (again.returncode, "wrong-state" in again.stderr or "409" in again.stderr) == (1, True)
    assert answer(stack.cli("article", "restore", ident, *reason))["status"] == "accepted"
    wait_for(lambda: found() == 1, 30, "search to find it")
    assert state() == "published"
    assert answer(stack.cli("article", "retract", ident, *reason))["status"] == "accepted"
    wait_for(lambda: found() == 0, 30, "search to forget it")
    assert state() == "retracted"
    assert stack.cli("article", "retract", "nonsense", *reason).returncode == 1
