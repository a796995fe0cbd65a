"""The tables that say where things are: each answer is a file whose path holds a word of the question."""

from __future__ import annotations

import ast
import re

import pytest

from tests.architecture.source import ROOT

ANSWER = re.compile(r"^\| (Where [^|]+\?) \| `([^`]+)` \|$", re.MULTILINE)
HOP = re.compile(r"^\| (\d+) \| [^|]+ \| `([^`]+)` \| `([^`]+)` \|$", re.MULTILINE)
ANSWERS = ANSWER.findall((ROOT / "CONTRIBUTING.md").read_text("utf-8"))
HOPS = HOP.findall((ROOT / "docs/one-article.md").read_text("utf-8"))
# A question's word and the same thing in a file's name
SAME = {
    "charset": {"character"}, "authors": {"author"}, "identity": {"tag"}, "credentials": {"key"}, "retry": {"retried"},
    "ranking": {"ranked"}, "stories": {"story"}, "copies": {"copy"}, "tags": {"tag"}, "filters": {"filter"},
    "letters": {"dead", "lettered"},
}  # fmt: skip


def words(text: str) -> set[str]:
    return {word for word in re.split(r"[^a-z]+", text.lower()) if len(word) > 2}


def test_there_are_twelve_questions() -> None:
    assert len(ANSWERS) >= 12


@pytest.mark.parametrize(("question", "path"), ANSWERS)
def test_each_question_is_answered_by_a_file_named_after_it(question: str, path: str) -> None:
    assert (ROOT / path).is_file()
    asked = words(question)
    named = {word for part in path.removesuffix(".py").split("/")[-2:] for word in words(part)}
    assert named & asked or any(SAME.get(name, set()) & asked for name in named), (question, path)


def test_there_are_ten_hops() -> None:
    assert [int(number) for number, *_ in HOPS] == list(range(1, len(HOPS) + 1))
    assert len(HOPS) >= 10


@pytest.mark.parametrize(("number", "path", "function"), HOPS)
def test_each_hop_names_a_function_of_its_file(number: str, path: str, function: str) -> None:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found.add(node.name)
            found |= {
                f"{node.name}.{item.name}"
                for item in node.body
                if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    assert function in found, sorted(found)
