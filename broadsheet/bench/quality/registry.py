"""Registry of tasks: every module of the package `tasks` with `TASKS`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence

from broadsheet.bench.quality import tasks
from broadsheet.bench.quality.task import Task


class UnknownTask(Exception):
    """Unknown task name; the message lists the known ones."""


def all_tasks() -> tuple[Task, ...]:
    """All tasks in order of module name, then of their place in it."""
    names = sorted(module.name for module in pkgutil.iter_modules(tasks.__path__))
    modules = (importlib.import_module(f"{tasks.__name__}.{name}") for name in names)
    return tuple(task for module in modules for task in getattr(module, "TASKS", ()))


def chosen(names: Sequence[str]) -> tuple[Task, ...]:
    """The tasks of these names, or all; `pages` stands for `pages-aeb` and its siblings. Raises UnknownTask."""
    every = all_tasks()
    for name in names:
        if not any(_is(task, name) for task in every):
            raise UnknownTask(f"no task {name!r}. Known tasks: {', '.join(task.name for task in every)}")
    return tuple(task for task in every if not names or any(_is(task, name) for name in names))


def _is(task: Task, name: str) -> bool:
    return task.name == name or task.name.startswith(f"{name}-")
