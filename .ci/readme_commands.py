"""Check that every `swapdeck` command in the docs is one: its verbs exist and take its options."""

from __future__ import annotations

import re
import shlex
import sys
from itertools import groupby
from pathlib import Path

import click

from engine.cli.app import cli


def commands(text: str) -> list[list[str]]:
    """The words after `swapdeck` of each line in the fenced blocks."""
    found = []
    for block in re.findall(r"```(?:sh|bash)\n(.*?)```", text, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            tokens = shlex.shlex(line, posix=True, punctuation_chars="&|")
            tokens.whitespace_split = True
            for separator, part in groupby(tokens, lambda token: token in ("&&", "|", "&")):
                words = list(part)
                if not separator and Path(words[0]).name == "swapdeck":
                    found.append(words[1:])
    return found


def problem(words: list[str]) -> str:
    """What is wrong with a command, "" when nothing is."""
    command: click.Command = cli
    while isinstance(command, click.Group):
        verbs = [word for word in words if not word.startswith("-")]
        default = getattr(command, "default_verb", None)
        context = click.Context(command)
        if not verbs:
            break
        if (found := command.get_command(context, verbs[0])) is not None:
            words = words[words.index(verbs[0]) + 1 :]
            command = found
        elif default and (found := command.get_command(context, default)) is not None:
            command = found
        else:
            return f"there is no verb {verbs[0]!r}"
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    known |= {"--help", "-h", "--version"}
    wrong = [word for word in words if word.startswith("-") and word.split("=")[0] not in known]
    return f"{command.name} does not take {wrong[0]}" if wrong else ""


def main(paths: list[str]) -> int:
    """Print every wrong command; 1 where there are some, or no command at all."""
    texts = [(path, Path(path).read_text(encoding="utf-8")) for path in paths]
    listed = [(path, words) for path, text in texts for words in commands(text)]
    wrong = [(path, words, why) for path, words in listed if (why := problem(words))]
    for path, words, why in wrong:
        sys.stdout.write(f"{path}: swapdeck {' '.join(words)}: {why}\n")
    sys.stdout.write(f"{len(listed)} commands, {len(wrong)} of them wrong\n")
    return 1 if wrong or not listed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
