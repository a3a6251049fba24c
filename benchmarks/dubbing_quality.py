"""How near the mouths of held-out frames come to the real ones, stage by stage: what a run of recipes/lawdnet learnt.

python -m benchmarks.dubbing_quality LAWDNET_WORK DINET_WORK      what the recipe made, --model lawdnet and dinet
L1 on the mouth's square of 0..1 over the end of each clip that no stage was trained on. Every stage is judged at the
size of the last one, so that the stages can be compared: smaller mouths are stretched over it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch.nn import functional

from benchmarks.measure import report
from tk_tools.dubbing.data import FrameItems, inspect
from tk_tools.dubbing.masks import crop_size, mouth_square
from tk_tools.dubbing.samples import stacked, to_network
from tk_tools.files.find import find_files
from tk_tools.models import get_model, load
from tk_tools.train.config import make_config
from tk_tools.train.task import Draw

STAGES = ("frame64", "frame128", "frame256", "clip256")
ITEMS = 40  # of each clip


def items(model: str, stage: str, work: Path) -> tuple[FrameItems, type]:
    """The held-out frames at the size of a stage, the same at every size; and the stage's task."""
    described = get_model(model).stage(stage)
    values = {"val_items_per_clip": ITEMS}
    config = make_config(load(described.config), preset="tiny", values=values)
    faces = [item.path for item in find_files(work / "faces", ("face.h5",))]
    clips = [inspect(face, work / "features" / face.name.replace(".face.h5", ".feat.h5"), config) for face in faces]
    return FrameItems(clips, config, fixed=True), load(described.task)


@torch.inference_mode()
def mouth_l1(model: str, stage: str, work: Path) -> tuple[float, float]:
    """Of the frames that the stage paints; and of each frame's first reference in its place."""
    seen, task = items(model, stage, work)
    truth, _ = items(model, STAGES[-1], work)
    generator = load(f"tk_tools.models.{model}.published:load_generator")(work / "runs" / stage)
    mask = torch.tensor(task.mask(*crop_size(seen.config.mouth_size)))
    made, copied = [], []
    for index in range(len(seen)):
        given, real = (data[Draw(index, 0)] for data in (seen, truth))
        source, references = to_network(given["source"])[None], to_network(given["references"])[None]
        painted = generator(source * mask, given["audio"][None], stacked(references))
        rows, columns = mouth_square(seen.config.mouth_size)
        wanted = to_network(real["source"])[None]
        others = to_network(real["references"])[:1]
        at = mouth_square(truth.config.mouth_size)
        goal = wanted[..., *at]
        stretched = functional.interpolate(painted[..., rows, columns], size=goal.shape[-2:], mode="bilinear")
        made.append(functional.l1_loss(stretched, goal).item())
        copied.append(functional.l1_loss(others[..., *at], goal).item())
    return sum(made) / len(made), sum(copied) / len(copied)


def main(works: dict[str, Path]) -> None:
    rows = []
    for model, work in works.items():
        for stage in STAGES:
            painted, copied = mouth_l1(model, stage, work)
            rows.append({"what": f"{model} {stage}", "mouth_l1": painted, "another_frames_mouth_l1": copied})
    report("dubbing_quality", rows)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(dict(zip(("lawdnet", "dinet"), (Path(argument).resolve() for argument in sys.argv[1:]), strict=True)))
