"""`python -m tui [--workspace PATH]`: opens the dashboard."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from pathlib import Path

from projects.errors import SwapdeckError
from projects.workspace import default_root


def main() -> int:
    """Run the dashboard; the exit code."""
    parser = argparse.ArgumentParser(prog="swapdeck", description="The dashboard.")
    parser.add_argument("--workspace", type=Path, metavar="PATH", help="the folder to show")
    parser.add_argument("--readonly", action="store_true", help="show everything, change nothing")
    arguments = parser.parse_args()
    # Textual draws on stderr, so that has to be the terminal too.
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        print(  # noqa: T201
            "The dashboard needs a terminal for input, output and errors. In a pipe or a script, "
            "use a verb: swapdeck --help",
            file=sys.stderr,
        )
        return 2
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    gc.set_threshold(20_000, 20, 50)  # importing and mounting make many objects that all stay
    try:
        root = arguments.workspace or default_root()
    except SwapdeckError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code

    from tui.app import Dashboard
    from tui.reading import Reader
    from tui.settings import read_settings, settings_path

    settings, problems = read_settings(settings_path())
    app = Dashboard(
        Reader(root.expanduser().absolute()),
        readonly=arguments.readonly,
        settings=settings,
        problems=problems,
    )
    app.run()
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
