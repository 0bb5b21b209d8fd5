"""The verbs together, and what becomes of an error: a sentence and an exit code, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from engine.cli.output import Output
from engine.cli.session import LazyVerbs, Session
from projects.errors import SwapdeckError

INTERRUPTED = 130
VERBS = {
    "demo": "engine.cli.demo:demo",
    "person": "engine.cli.people:person",
    "gather": "engine.cli.gather:gather",
    "extract": "engine.cli.extract:extract",
    "faces": "engine.cli.faces:faces",
    "swap": "engine.cli.swaps:swap",
    "train": "engine.cli.train:train",
    "pretrain": "engine.cli.pretrain:pretrain",
    "base": "engine.cli.bases:base",
    "compare": "engine.cli.compare:compare",
    "convert": "engine.cli.convert:convert",
    "report": "engine.cli.report:report",
    "run": "engine.cli.run:run_",
    "verify": "engine.cli.verify:verify",
    "identity": "engine.cli.identity:identity",
    "ledger": "engine.cli.ledger:ledger",
    "jobs": "engine.cli.jobs:jobs",
    "cache": "engine.cli.cache:cache",
    "doctor": "engine.cli.doctor:doctor",
    "bench": "engine.cli.bench:bench",
}
"""Where each verb is; it is loaded when it is asked for."""


@click.group(
    cls=LazyVerbs,
    verbs=VERBS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="swapdeck", message="swapdeck %(version)s")
@click.option("--readonly", is_flag=True, help="The dashboard shows everything, changes nothing.")
@click.option("--low-bandwidth", is_flag=True, help="The dashboard draws rarely, and no pictures.")
@click.option("--theme", metavar="NAME", help="The dashboard's colours, as swapdeck-light.")
@click.pass_context
def cli(context: click.Context, readonly: bool, low_bandwidth: bool, theme: str | None) -> None:
    """A face-swap studio that lives in a terminal. Without a verb: the dashboard."""
    given = ["--readonly"] * readonly + ["--low-bandwidth"] * low_bandwidth
    given += ["--theme", theme] if theme is not None else []
    if context.invoked_subcommand is None:
        open_dashboard(context.ensure_object(Session), given)
    elif given:
        raise click.UsageError(f"{given[0]} is for the dashboard, which opens without a verb.")


def open_dashboard(session: Session, options: Sequence[str] = ()) -> None:
    """Become the dashboard, which shares nothing with this process but the workspace's files."""
    if session.json:
        raise click.UsageError("--json needs a verb; the dashboard is for people.")
    command = [sys.executable, "-m", "tui", *options]
    if session.workspace is not None:
        command += ["--workspace", str(session.workspace)]
    if os.name == "nt":
        sys.exit(subprocess.run(command, check=False).returncode)
    sys.stdout.flush()
    os.execv(sys.executable, command)


def run(arguments: Sequence[str]) -> int:
    """Run the command line; returns its exit code and never raises for what a user can cause."""
    output = Output(json="--json" in arguments)
    try:
        code = cli.main(args=list(arguments), prog_name="swapdeck", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except SwapdeckError as error:
        output.error(str(error), error.exit_code)
        return error.exit_code
    except click.ClickException as error:
        output.error(_usage(error), error.exit_code)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        output.error("Interrupted; nothing was left half-written.", INTERRUPTED)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has gone. Python would complain again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        output.error("There is not enough memory for this. Close something, or do less at once.", 1)
        return 1
    except Exception as error:  # noqa: BLE001 - the last stop: the traceback goes to a file
        output.error(_unexpected(error), 1)
        return 1


def _usage(error: click.ClickException) -> str:
    message = error.format_message()
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f"{message} See `{error.ctx.command_path} --help`."
    return message


def _unexpected(error: Exception) -> str:
    """One sentence about a fault of ours, with the traceback kept in a file."""
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="swapdeck-", suffix=".log", delete=False, encoding="utf-8"
        ) as log:
            traceback.print_exception(error, file=log)
    except OSError:
        return f"Something went wrong inside swapdeck ({what})."
    return f"Something went wrong inside swapdeck ({what}). The details are in {Path(log.name)}."
