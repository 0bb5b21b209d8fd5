"""A new swap that starts from a trained one, which only the engine can make."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from projects.errors import SwapdeckError
from projects.options import Value
from projects.swaps import Swap, get_swap
from projects.workspace import open_workspace
from tui.engine import EngineFailedError, EngineProcess, engine_command
from tui.swap_forms import NAME, START, also_of

_FAILED = (1, 2, 3)
"""Exit codes with which the engine says what was wrong in its last line."""


def start_swap(root: Path, values: Mapping[str, Value]) -> Swap:
    """Make the swap that the form of a new one asks for. It takes seconds: JAX has to be loaded.

    Raises SwapdeckError with what the engine says.
    """
    name = values[NAME] or f"{values['source']}-as-{values['target']}"
    words = ["--workspace", str(root), "--json", "swap", "new"]
    words += ["--source", str(values["source"]), "--target", str(values["target"])]
    words += ["--from", str(values[START])]
    for who in also_of(values):
        words += ["--also", who]
    if values["seed"] is not None:
        words += ["--seed", str(values["seed"])]
    try:
        said = list(EngineProcess(engine_command(*words, "--", str(name))).lines((0, *_FAILED)))
        answer = json.loads(said[-1])
    except (EngineFailedError, IndexError, ValueError) as error:
        raise SwapdeckError(f"The swap could not be made: {error}") from error
    if "error" in answer:
        raise SwapdeckError(answer["error"])
    return get_swap(open_workspace(root), str(answer["swap"]))
