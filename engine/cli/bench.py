"""`swapdeck bench`: measure this machine."""

from __future__ import annotations

import click

from engine.cli.bench_accelerator import accelerator
from engine.cli.bench_conversion import convert_, watermark
from engine.cli.bench_faces import extract_, faces_, landmarks
from engine.cli.bench_jobs import jobs_, tui_
from engine.cli.bench_quality import quality
from engine.cli.bench_study import study
from engine.cli.bench_training import dataset_, train
from engine.cli.session import Verbs


@click.group(cls=Verbs)
def bench() -> None:
    """Measure this machine."""


for verb in (
    train,
    accelerator,
    dataset_,
    study,
    quality,
    convert_,
    watermark,
    faces_,
    extract_,
    landmarks,
    jobs_,
    tui_,
):
    bench.add_command(verb)
