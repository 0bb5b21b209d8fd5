"""All figures of an accelerator in one call.

python -m engine.bench.accelerator --out FOLDER
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from engine.bench.accelerator.plan import (
    BUDGET,
    FULL,
    REHEARSAL,
    Sizes,
    only,
    with_training,
)
from engine.bench.accelerator.run import NOT_HERE, run
from projects.errors import SwapdeckError


def _stage(what: dict[str, Any]) -> int:
    """Make one stage in this process, and print its rows as they come."""
    from engine.bench import rehearsal
    from engine.bench.accelerator.stages import KINDS, MissingError
    from engine.compilation import use_compilation_cache

    sizes = Sizes.from_dict(what["sizes"])
    use_compilation_cache()
    if sizes.rehearsal:
        rehearsal.offer()
    try:
        for row in KINDS[what["stage"]["kind"]](what["stage"]["preset"], sizes):
            sys.stdout.write(f"ROW {json.dumps(row)}\n")
            sys.stdout.flush()
    except MissingError as error:
        sys.stderr.write(f"{error}\n")
        return NOT_HERE
    return 0


def main() -> int:
    """Measure, and say how each stage ended; 1 when one of them failed."""
    parser = argparse.ArgumentParser(description="All figures of an accelerator in one call.")
    parser.add_argument("--out", type=Path, help="where figures.json and figures.md go")
    parser.add_argument("--budget", type=float, default=BUDGET, help="seconds for all of it")
    parser.add_argument("--train-minutes", type=float, default=0.0)
    parser.add_argument("--only", action="append", default=[], metavar="STAGE")
    parser.add_argument("--rehearse", action="store_true", help="at tiny sizes, on any device")
    parser.add_argument("--stage", metavar="JSON", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.stage:
        return _stage(json.loads(chosen.stage))
    if chosen.out is None:
        parser.error("--out FOLDER is needed.")
    try:
        plan = with_training(REHEARSAL if chosen.rehearse else FULL, chosen.train_minutes)
        plan = only(plan, tuple(chosen.only))
        account = run(plan, chosen.out, chosen.budget, lambda words: print(words, flush=True))  # noqa: T201
    except SwapdeckError as error:
        parser.error(str(error))
    sys.stdout.write(account.markdown())
    return int(bool(account.failed))


if __name__ == "__main__":
    sys.exit(main())
