"""`python -m tui [--workspace PATH]`: opens the dashboard."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from projects.errors import SwapdeckError
from projects.workspace import default_root


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(prog="swapdeck", description="The dashboard.")
    parser.add_argument("--workspace", type=Path, metavar="PATH", help="the folder to show")
    parser.add_argument("--readonly", action="store_true", help="show everything, change nothing")
    parser.add_argument(
        "--low-bandwidth", action="store_true", help="draw rarely, and no pictures until asked"
    )
    parser.add_argument(
        "--theme",
        default="",
        metavar="NAME",
        help="swapdeck, swapdeck-light, swapdeck-clear (told apart whatever the colour vision), "
        "swapdeck-ansi (the terminal's own 16 colours), or another of Textual's",
    )
    return parser.parse_args(words)


def main() -> int:
    """Run the dashboard; the exit code."""
    arguments = parse(sys.argv[1:])
    # Textual draws on stderr, so that has to be the terminal too.
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        print(  # noqa: T201
            "The dashboard needs a terminal for input, output and errors. In a pipe or a script, "
            "use a verb: swapdeck --help",
            file=sys.stderr,
        )
        return 2
    gc.set_threshold(20_000, 20, 50)  # importing and mounting make many objects that all stay
    try:
        root = arguments.workspace or default_root()
    except SwapdeckError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code

    root = root.expanduser().absolute()
    from tui.settings import read_settings, settings_path

    settings, problems = read_settings(settings_path())
    settings = replace(
        settings,
        theme=arguments.theme or settings.theme,
        low_bandwidth=arguments.low_bandwidth or settings.low_bandwidth,
    )
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    if settings.low_bandwidth:
        os.environ.setdefault("TEXTUAL_FPS", "10")
    from tui.app import Dashboard  # Textual reads what was just set when it is imported
    from tui.reading import Reader
    from tui.remembered import state_path

    app = Dashboard(
        Reader(root),
        readonly=arguments.readonly,
        settings=settings,
        problems=problems,
        state=state_path(root),
    )
    app.run()
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
