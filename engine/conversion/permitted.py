"""Whether a result may be written where it was asked for: nothing else is ever lost for it."""

import re
from pathlib import Path
from typing import Final

from engine.conversion.layers import FACES, FILE, MASKS, NOTICE
from engine.conversion.settings import ConvertSettings
from engine.credentials.layers import NOTE
from engine.media.outputs import Plan, plan_output
from projects.errors import CommandError

_NUMBERED: Final = re.compile(r"\d{6,}\.(png|tif)")


def check_output(source: Path, output: Path, settings: ConvertSettings) -> Plan:
    """How `output` is written; raises CommandError or MediaError unless it may be, and says how to
    go on."""
    if output.exists() and source.exists() and output.samefile(source):
        raise CommandError(f"{output} is the footage itself. Give the result another name.")
    if not output.parent.is_dir():
        raise CommandError(f"There is no folder {output.parent}. Create it, or choose another.")
    if output.exists() and not settings.overwrite:
        raise CommandError(
            f"{output} is there already. Give the result another name, or replace it with "
            "--overwrite."
        )
    plan = plan_output(source, output, settings.encode)
    if output.is_dir():
        _check_folder(plan)
    return plan


def check_layers(output: Path, settings: ConvertSettings) -> None:
    """Raise CommandError unless a folder of layers may be written."""
    if not output.parent.is_dir():
        raise CommandError(f"There is no folder {output.parent}. Create it, or choose another.")
    if not output.exists():
        return
    if not output.is_dir():
        raise CommandError(f"{output} is a file, and layers fill a folder. Give a folder's name.")
    ours = {FACES, MASKS, FILE, NOTICE, NOTE}
    others = sorted(path.name for path in output.iterdir() if path.name not in ours)
    if others:
        raise CommandError(
            f"{output} holds {others[0]}, which is not of earlier layers and would be lost. Choose "
            "another folder."
        )
    if any(output.iterdir()) and not settings.overwrite:
        raise CommandError(
            f"{output} holds layers already. Give another folder's name, or replace them with "
            "--overwrite."
        )


def _check_folder(plan: Plan) -> None:
    """A folder is replaced as a whole, so it may hold nothing but an earlier result."""
    output = plan.output
    if plan.kind != "pictures":
        raise CommandError(f"{output} is a folder, and {plan.source.name} becomes one file.")
    names = plan.names()
    for path in sorted(output.iterdir()):
        ours = path.name in names if names is not None else _NUMBERED.fullmatch(path.name)
        if not ours:
            raise CommandError(
                f"{output} holds {path.name}, which is not of an earlier result and would be lost. "
                "Choose another folder."
            )
