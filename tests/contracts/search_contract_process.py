"""Other processes for the behaviour suite: `python -m tests.contracts.search_contract_process read|write DIRECTORY`.

`read` searches without pause until its stdin closes, then prints {"reads", "errors", "empty", "generations"}.
`write` upserts batches for ever and prints the number of acknowledged documents after each.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from pathlib import Path

from shared.errors import BroadsheetError
from shared.search.port import SearchQuery
from tests.contracts.search_contract import SPEC, article, embedded


async def read(root: Path) -> None:
    index = embedded(root, False)
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    reads, empty, errors, generations = 0, 0, [], set()
    while not stop.is_set():
        try:
            page = await index.search(SearchQuery("ferry", facets=("section",)))
            generations.add((await index.stats()).generation)
        except (BroadsheetError, ValueError, OSError) as error:
            errors.append(repr(error))
            continue
        reads += 1
        empty += not page.hits
        if reads == 1:
            print("reading", flush=True)
    print(json.dumps({"reads": reads, "errors": errors, "empty": empty, "generations": sorted(generations)}))


async def write(root: Path) -> None:
    index = embedded(root, True)
    await index.ensure(SPEC)
    for batch in range(1_000_000):
        ids = [f"b{batch}x{number}" for number in range(20)]
        docs = [article(ident, f"Report {ident}", "a line about the ferry and the bay " * 40) for ident in ids]
        await index.upsert(docs, op_id=f"op{batch}")
        print((batch + 1) * 20, flush=True)


if __name__ == "__main__":
    asyncio.run({"read": read, "write": write}[sys.argv[1]](Path(sys.argv[2])))
