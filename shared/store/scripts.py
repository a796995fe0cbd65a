"""Lua scripts with named arguments: a subclass of `Script` is a script, an instance of it is one call.

    class RecordWrite(Script):
        '''Store a record under a name. Guarantees: the first record of a name stays.'''

        writes: Key
        name: Arg
        record: Arg
        LUA = "return redis.call('HSETNX', writes, name, record)"

    await Scripts(client).run(RecordWrite(writes=keys.INDEX_WRITES, name="a", record=b"..."))

The fields are variables in Lua, so adding one does not renumber others. `Key` and `Keys` are passed in KEYS, `Arg` and
`Args` in ARGV; `Keys` and `Args` are Lua arrays of any length. Every value is a string in Lua.

Redis does not roll scripts back, so a script reads every key first (a key of the wrong type fails there) and writes
last. With `#!lua` Redis refuses the whole script when it is out of memory or read-only. A script with `ALLOW_OOM` must
only finish, move or remove stored data, so that a full store can drain.
"""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar, Final, dataclass_transform, get_type_hints

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from shared.store.connection import unavailable_when_down

Value = str | bytes | int | float
Key = Annotated[str, "KEYS"]
Keys = Annotated[Sequence[str], "KEYS", "array"]
Arg = Annotated[Value, "ARGV"]
Args = Annotated[Sequence[Value], "ARGV", "array"]

_SLICE: Final = """\
local function slice(from, start, count)
  local part = {}
  for i = 1, count do part[i] = from[start + i] end
  return part
end
"""


@dataclass(frozen=True, slots=True)
class CompiledScript:
    """The Lua text with bound field names, its SHA-1, and the position of each field."""

    source: str
    sha: str
    scalars: dict[str, tuple[str, ...]]
    """Field names of single values in `KEYS` and `ARGV`, in order."""
    arrays: dict[str, tuple[str, ...]]
    """The same for arrays; their lengths follow the single values in ARGV."""

    def keys_and_args(self, call: Script) -> tuple[list[str], list[Value]]:
        """The keys and arguments of EVALSHA for a call."""
        keys: list[str] = [getattr(call, name) for name in self.scalars["KEYS"]]
        args: list[Value] = [_plain(getattr(call, name)) for name in self.scalars["ARGV"]]
        args += [len(getattr(call, name)) for name in (*self.arrays["KEYS"], *self.arrays["ARGV"])]
        keys += [key for name in self.arrays["KEYS"] for key in getattr(call, name)]
        args += [_plain(value) for name in self.arrays["ARGV"] for value in getattr(call, name)]
        return keys, args


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Script:
    """One call of a script; the docstring of a subclass says what the script does, returns and guarantees."""

    LUA: ClassVar[str]
    ALLOW_OOM: ClassVar[bool] = False

    compiled: ClassVar[CompiledScript]

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True, kw_only=True)(cls)
        cls.compiled = _compile(cls)


class Scripts:
    """Runs scripts with EVALSHA, many in one round trip, and loads unknown ones.

    Raises `StoreUnavailable` while Redis is unavailable.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def run(self, call: Script) -> Any:
        """The result of one call."""
        (answer,) = await self.run_all([call])
        return answer

    async def run_all(self, calls: Sequence[Script]) -> list[Any]:
        """The results of calls, run in order in one pipeline; each call is atomic on its own.

        Raises the first error other than NOSCRIPT; calls before it have taken effect.
        """
        async with unavailable_when_down():
            answers = await self._pipeline(calls)
            unknown = [i for i, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
            if unknown:
                for source in {calls[i].compiled.source for i in unknown}:
                    await self._client.script_load(source)
                for i, answer in zip(unknown, await self._pipeline([calls[i] for i in unknown]), strict=True):
                    answers[i] = answer
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
            return answers

    async def _pipeline(self, calls: Sequence[Script]) -> list[Any]:
        async with self._client.pipeline(transaction=False) as pipe:
            for call in calls:
                keys, args = call.compiled.keys_and_args(call)
                pipe.evalsha(call.compiled.sha, len(keys), *keys, *args)
            return await pipe.execute(raise_on_error=False)


def _compile(kind: type[Script]) -> CompiledScript:
    hints = get_type_hints(kind, include_extras=True)
    marks = {field.name: hints[field.name].__metadata__ for field in fields(kind)}  # type: ignore[arg-type]  # a dataclass by __init_subclass__
    scalars = {at: tuple(name for name, mark in marks.items() if mark == (at,)) for at in ("KEYS", "ARGV")}
    arrays = {at: tuple(name for name, mark in marks.items() if mark == (at, "array")) for at in ("KEYS", "ARGV")}
    lines = ["#!lua flags=allow-oom" if kind.ALLOW_OOM else "#!lua"]
    for at, names in scalars.items():
        lines += [f"local {name} = {at}[{number}]" for number, name in enumerate(names, 1)]
    if arrays["KEYS"] or arrays["ARGV"]:
        lines += [_SLICE.rstrip(), *_array_lines(scalars, arrays)]
    source = "\n".join([*lines, textwrap.dedent(kind.LUA).strip(), ""])
    return CompiledScript(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest(), scalars, arrays)


def _array_lines(scalars: dict[str, tuple[str, ...]], arrays: dict[str, tuple[str, ...]]) -> list[str]:
    counts = len(arrays["KEYS"]) + len(arrays["ARGV"])
    starts = {"KEYS": f"{len(scalars['KEYS'])}", "ARGV": f"{len(scalars['ARGV']) + counts}"}
    lines: list[str] = []
    number = len(scalars["ARGV"])
    for at, names in arrays.items():
        for name in names:
            number += 1
            lines.append(f"local {name} = slice({at}, {starts[at]}, tonumber(ARGV[{number}]))")
            starts[at] += f" + #{name}"
    return lines


def _plain(value: Value) -> Value:
    return int(value) if isinstance(value, bool) else value
