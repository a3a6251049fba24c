"""The training stages that LawDNet and DINet have in common: coarse to fine, then five frames at a time."""

from __future__ import annotations

from typing import Any

READS, HEARS = ("face.h5",), ("feat.h5",)
"""Suffixes of the crops that all stages read, and of the features beside them."""


def stage_fields(system: str) -> tuple[dict[str, Any], ...]:
    """The fields of models.Stage, in the order of training, for the system of that name (tk_tools/models/SYSTEM)."""

    def stage(name: str, summary: str, config: str, task: str, **more: Any) -> dict[str, Any]:
        folder = f"tk_tools.models.{system}"
        return {
            "name": name,
            "summary": summary,
            "reads": READS,
            "config": f"{folder}.config:{config}",
            "task": f"{folder}.training:{task}",
        } | more

    def frames(mouth: int, summary: str, **more: Any) -> dict[str, Any]:
        return stage(f"frame{mouth}", f"{summary} of {mouth} pixels", f"Frame{mouth}Config", "FrameTask", **more)

    return (
        stage(
            "sync",
            "learns to tell the sound of a mouth from another's; judges the last stage",
            "SyncConfig",
            "SyncTask",
        ),
        frames(64, "learns to repaint a mouth"),
        frames(128, "goes on with a mouth", starts_from="frame64"),
        frames(256, "goes on with a mouth", starts_from="frame128"),
        stage(
            "clip256",
            "makes five frames at a time, judged together and by the SyncNet",
            "ClipConfig",
            "ClipTask",
            needs=("sync",),
            starts_from="frame256",
        ),
    )
