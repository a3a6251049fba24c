"""Training steps per second of Wav2Lip's expert and generator at the published sizes, reading of data included.

python -m benchmarks.wav2lip_training ORIGINAL_CHECKOUT FACES
FACES: a folder of NAME.face.h5 of the layout wav2lip. The original gets the same crops as its preparation would leave
them (a jpg for each frame, a wav for each clip). Same batch size, same loader workers; each step is timed from one
request for a batch to the next, and the median counts.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch

from benchmarks.measure import report
from benchmarks.original import ADAPTER, import_from

BATCH = {"expert": 64, "generator": 16}  # as published
SCRIPT = {"expert": "color_syncnet_train", "generator": "wav2lip_train"}
WORKERS = 1
STEPS = 5  # timed, after two that are not


class Done(Exception):
    """Enough steps are timed."""


def timed(batches: Iterable, times: list[float]) -> Iterator:
    """Pass batches on and note when each is asked for; Done after the last."""
    for batch in batches:
        times.append(time.perf_counter())
        if len(times) > STEPS + 3:
            raise Done
        yield batch


def steps_per_second(times: list[float]) -> float:
    """From the times of requests, the first two steps left out."""
    gaps = [later - earlier for earlier, later in itertools.pairwise(times[2:])]
    return 1 / statistics.median(gaps)


def ours(stage: str, faces: list[Path], expert: Path | None) -> float:
    """Steps per second of our task with the loop's own loader."""
    from lightning_fabric import Fabric

    from tk_tools.models import get_model, load
    from tk_tools.train.loader import batches
    from tk_tools.train.sampler import EndlessBatches

    description = get_model("wav2lip").stage(stage)
    config = load(description.config)(batch_size=BATCH[stage], loader_workers=WORKERS, accelerator="cpu")
    fabric = Fabric(accelerator="cpu", devices=1)
    torch.manual_seed(0)
    kind = load(description.task)
    clips = [kind.inspect(path, config) for path in faces]
    task = kind(config, fabric, clips, clips[:1], {"expert": expert} if expert else {})
    sampler = EndlessBatches(len(task.train_data), config.batch_size, 0)
    times: list[float] = []
    try:
        for batch in timed(batches(task.train_data, sampler, workers=WORKERS, pin_memory=False), times):
            task.step(batch)
    except Done:
        pass
    return steps_per_second(times)


def theirs(stage: str, data: Path) -> float:
    """Steps per second of the original's own `train` with its own data set; to be run in its folder."""
    sys.argv = [SCRIPT[stage], "--data_root", str(data), "--checkpoint_dir", str(data / "checkpoints")]
    if stage != "expert":
        sys.argv += ["--syncnet_checkpoint_path", "none"]
    script = importlib.import_module(SCRIPT[stage])
    network = script.SyncNet() if stage == "expert" else script.Wav2Lip()
    data_set = script.Dataset("train")
    data_set.all_videos = data_set.all_videos * 1000  # an epoch that does not end while it is timed
    loader = torch.utils.data.DataLoader(data_set, batch_size=BATCH[stage], num_workers=WORKERS, shuffle=True)
    times: list[float] = []
    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=1e-4)
    try:
        script.global_step = 1  # 0 would end its first step with a checkpoint and a validation
        script.train(
            torch.device("cpu"), network, timed(loader, times), None, optimizer,
            checkpoint_dir=None, checkpoint_interval=10**9, nepochs=1,
        )  # fmt: skip
    except Done:
        pass
    return steps_per_second(times)


def lay_out(faces: list[Path], data: Path) -> None:
    """The original's layout: DATA/clips/NAME/0.jpg ..., audio.wav."""
    import cv2
    import soundfile

    from tk_tools.files.face_file import FaceFile

    for path in faces:
        folder = data / "clips" / path.name.split(".")[0]
        folder.mkdir(parents=True)
        with FaceFile(path) as clip:
            for index, crop in enumerate(clip.frames):
                crop = cv2.resize(crop, (118, 118))  # the mean size of LRS2's faces
                cv2.imwrite(str(folder / f"{index}.jpg"), cv2.cvtColor(crop, cv2.COLOR_RGB2BGR))
            soundfile.write(folder / "audio.wav", clip.audio.samples, clip.audio.sample_rate)


def run_theirs(original: Path, stage: str, data: Path) -> float:
    """`theirs` in a process of its own, since the original reads arguments when it is imported."""
    code = ADAPTER.split("script, *rest")[0] + (
        f"sys.path[:0] = ['.', {str(Path(__file__).parents[1])!r}]\n"
        "from pathlib import Path\nfrom benchmarks.wav2lip_training import theirs\n"
        f"print(theirs({stage!r}, Path({str(data)!r})))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=original, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr[-3000:])
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("original", type=Path)
    parser.add_argument("faces", type=Path)
    options = parser.parse_args()
    original = options.original.resolve()
    import_from(original)
    faces = sorted(options.faces.resolve().glob("*.face.h5"))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        lay_out(faces, data)
        listed = original / "filelists" / "train.txt"
        before = listed.read_text() if listed.exists() else ""
        listed.write_text("".join(f"clips/{path.name.split('.')[0]}\n" for path in faces))
        expert = data / "expert.pth"
        from tk_tools.nets.sync_expert import SyncExpert

        torch.save({"state_dict": SyncExpert().state_dict()}, expert)
        try:
            for stage in BATCH:
                mine = ours(stage, faces, expert if stage == "generator" else None)
                other = run_theirs(original, stage, data)
                row = {"what": f"{stage}, batch {BATCH[stage]}", "steps_per_second": mine}
                rows.append(row | {"original_steps_per_second": other, "ratio": mine / other})
        finally:
            listed.write_text(before)
    report("wav2lip_training", rows)


if __name__ == "__main__":
    main()
