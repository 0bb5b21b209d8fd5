"""The options that every verb takes, before the verb or after it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.output import Output
from engine.text import clean

if TYPE_CHECKING:
    from projects.workspace import Workspace


@dataclass
class Session:
    """What the shared options said."""

    workspace: Path | None = None
    json: bool = False
    quiet: bool = False

    @property
    def output(self) -> Output:
        """Where this verb's words go."""
        return Output(json=self.json, quiet=self.quiet)

    def open(self, *, create: bool = False) -> Workspace:
        """The workspace that was asked for; raises SwapdeckError when it cannot be used.

        Who starts a new one is told once what is forbidden.
        """
        from projects.consent import FORBIDDEN
        from projects.workspace import default_root, is_workspace, open_workspace

        root = self.workspace or default_root()
        new = create and not is_workspace(root)
        workspace = open_workspace(root, create=create)
        if new:
            self.output.remark(f"A new workspace: {workspace.root}. {FORBIDDEN}")
        return workspace

    @property
    def interactive(self) -> bool:
        """Whether somebody is there to be asked."""
        return not self.json and sys.stdin.isatty()

    def confirm(self, question: str, yes: bool) -> None:
        """Ask before something is taken away; raises CommandError where nobody can answer."""
        from projects.errors import CommandError

        if yes:
            return
        if not self.interactive:
            raise CommandError(f"{question} Say so with --yes.")
        click.confirm(clean(question), abort=True)


def _remember(context: click.Context, option: click.Parameter, value: Any) -> None:
    session = context.ensure_object(Session)
    if value and option.name is not None:
        setattr(session, option.name, value)


def shared_options() -> list[click.Option]:
    """`--workspace`, `--json` and `--quiet`, kept on the session and not passed to the verb."""
    common: dict[str, Any] = {"expose_value": False, "callback": _remember, "is_eager": True}
    return [
        click.Option(
            ["--workspace"],
            type=click.Path(path_type=Path, file_okay=False),
            metavar="DIR",
            help="The folder that holds people, swaps and jobs  [default: ~/swapdeck]",
            **common,
        ),
        click.Option(["--json"], is_flag=True, help="One JSON object a line on stdout.", **common),
        click.Option(["--quiet"], is_flag=True, help="No progress and no remarks.", **common),
    ]


class Verb(click.Command):
    """A command with the shared options."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params = [*self.params, *shared_options()]


class Verbs(click.Group):
    """A group of verbs with the shared options before the verb too."""

    command_class = Verb
    group_class = type
    default_verb: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params = [*self.params, *shared_options()]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As Click's, but a word that is no verb goes to the default verb, where there is one."""
        if self.default_verb and args and self.get_command(ctx, args[0]) is None:
            args = [self.default_verb, *args]
        return super().resolve_command(ctx, args)


class LazyVerbs(Verbs):
    """A group that loads a verb when it is asked for, so that each starts without the others."""

    def __init__(self, *args: Any, verbs: Mapping[str, str], **kwargs: Any) -> None:
        """verbs: the name of each, and where it is, as `package.module:name`."""
        super().__init__(*args, **kwargs)
        self._verbs = verbs

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._verbs:
            return None
        module, _, name = self._verbs[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


pass_session: Callable[[Callable[..., None]], Callable[..., None]] = click.pass_obj
