"""`swapdeck pretrain`: base models, which swaps begin with instead of random weights."""

from __future__ import annotations

import click

from engine.cli.follow import run_job
from engine.cli.options import detach_option
from engine.cli.session import Session, Verb, pass_session
from projects.presets import PRESETS

_DF = [name for name, facts in PRESETS.items() if facts.family == "df"]


@click.command("pretrain", cls=Verb)
@click.argument("name", metavar="BASE")
@click.argument("people", nargs=-1, metavar="[PERSON]…")
@click.option("--preset", type=click.Choice(_DF), default="light-64", show_default=True)
@click.option(
    "--crowd",
    type=click.IntRange(0, 1000),
    default=480,
    show_default=True,
    help="Synthetic people to learn from besides: at most 3840 pictures, rendered once.",
)
@click.option("--steps", type=click.IntRange(1), default=4000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@detach_option
@pass_session
def pretrain(
    session: Session,
    name: str,
    people: tuple[str, ...],
    preset: str,
    crowd: int,
    steps: int,
    seed: int,
    detach: bool,
) -> None:
    """Train the base model BASE on many people: synthetic ones, and each PERSON.

    A base that is there already is trained on, as it was begun. A swap begins with it after
    `swapdeck swap set SWAP base=BASE`, and then needs a fraction of the time.
    """
    from projects.bases import get_base, list_bases, new_base
    from projects.consent import require
    from projects.files import slug
    from projects.people import get_person

    workspace = session.open(create=True)
    known = [get_person(workspace, person) for person in people]
    for person in known:
        require(person, "training")
    if slug(name) in {base.slug for base in list_bases(workspace, problems=[])}:
        base = get_base(workspace, name)
    else:
        base = new_base(
            workspace,
            name,
            preset=preset,
            seed=seed,
            people=[person.slug for person in known],
            crowd=crowd,
            steps=steps,
        )
    outcome = run_job(session, workspace, "pretrain", base.slug, {"base": base.slug}, detach=detach)
    if session.json:
        return
    for result in outcome.results:
        session.output.remark(
            f"{base.slug} is trained: step {result['step']}. Begin a swap with it: swapdeck swap "
            f"set SWAP base={base.slug}"
        )
