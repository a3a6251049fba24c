"""Every comparison in one command, then their table and drawing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from benchmarks.table import write_table

# script -> what it is given, by the names of the options below
COMPARISONS = {
    "wav2lip_generator": ("wav2lip",),
    "wav2lip_training": ("wav2lip", "faces"),
    "crop_face": ("video", "wav2lip"),
    "wav2lip_infer": ("wav2lip", "video"),
    "eval_lse": ("wav2lip", "syncnet", "video"),
    "cpbd": ("cpbd", "video"),
    "embed": ("resemblyzer", "speech"),
    "memory": ("video",),
    "report": (),
    "faces_found": ("video",),
    "wav2lip_quality": ("runs",),
    "mel": (),
    "hifigan": ("hifigan",),
    "diffvc_conversion": ("backbones",),
    "diffvc_training": ("backbones",),
    "diffvc_quality": ("conversions",),
    "lawdnet_generator": ("lawdnet", "dinet"),
    "lawdnet_training": ("lawdnet",),
    "dubbing_preparation": ("lawdnet", "video"),
    "dubbing_quality": ("lawdnet_work", "dinet_work"),
    "monotonic_alignment": ("monotonic_align",),
    "styletts2_inference": ("styletts2",),
    "styletts2_quality": ("styletts2_work",),
    "styletts2_training": ("styletts2",),
    "styletts2_memory": (),
}
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True)


@click.command("benchmarks", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--wav2lip", type=_FOLDER, help="A checkout of Rudrabha/Wav2Lip at 5c90fa9.")
@click.option("--syncnet", type=_FOLDER, help="A checkout of joonson/syncnet_python at 6efbb1c.")
@click.option(
    "--video",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, resolve_path=True),
    help="A real talking head with its sound.",
)
@click.option("--faces", type=_FOLDER, help="Crops to train on: what tk-crop-face made.")
@click.option("--runs", type=_FOLDER, help="The run folders of bin/demo, demo-out/work/runs.")
@click.option("--resemblyzer", type=_FOLDER, help="The unpacked wheel of the package resemblyzer 0.1.4.")
@click.option("--speech", type=_FOLDER, help="Recordings of a few seconds.")
@click.option("--cpbd", type=_FOLDER, help="The unpacked source of the package cpbd 1.0.7.")
@click.option("--backbones", type=_FOLDER, help="A checkout of huawei-noah/Speech-Backbones at 7782c7a.")
@click.option("--conversions", type=_FOLDER, help="The folder WORK of recipes/diffvc/run.sh.")
@click.option("--hifigan", type=_FOLDER, help="A checkout of jik876/hifi-gan at 4769534.")
@click.option("--lawdnet", type=_FOLDER, help="A checkout of iPaw-AI-LAB/LawDNet_2024 at 76a14bb.")
@click.option("--dinet", type=_FOLDER, help="A checkout of MRzzm/DINet at 3b57fb0.")
@click.option("--lawdnet-work", type=_FOLDER, help="The folder WORK of recipes/lawdnet/run.sh.")
@click.option("--dinet-work", type=_FOLDER, help="The folder WORK of recipes/lawdnet/run.sh --model dinet.")
@click.option("--monotonic-align", type=_FOLDER, help="A checkout of resemble-ai/monotonic_align, built in place.")
@click.option("--styletts2", type=_FOLDER, help="A checkout of yl4579/StyleTTS2 at 5cedc71.")
@click.option("--styletts2-work", type=_FOLDER, help="The folder WORK of recipes/styletts2/run.sh.")
@click.option("--only", multiple=True, type=click.Choice(sorted(COMPARISONS)), help="This one; may be repeated.")
def main(only: tuple[str, ...], **given: Path | None) -> None:
    """Run the comparisons that can be run with what is given, one after another on an idle machine (an hour or more),
    and write results/README.md and results/ratios.png from all results that are there."""
    failed = []
    for name, needs in COMPARISONS.items():
        if only and name not in only:
            continue
        if missing := [need for need in needs if given[need] is None]:
            click.echo(f"{name}: left out; it needs --{' and --'.join(missing)}", err=True)
            continue
        click.echo(f"{name}: running", err=True)
        command = [sys.executable, "-m", f"benchmarks.{name}", *(str(given[need]) for need in needs)]
        if subprocess.run(command, check=False).returncode != 0:
            failed.append(name)
    click.echo(write_table())
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
