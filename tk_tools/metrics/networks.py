"""Which of the published networks that judge pictures are on this machine. Opens none of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tk_tools.errors import WeightsError
from tk_tools.files.digest import file_digest
from tk_tools.weights.find import find_together, locate
from tk_tools.weights.table import get_published

LPIPS_NETWORKS = {"alex": ("alexnet", "lpips-alex"), "vgg": ("vgg16", "lpips-vgg")}
"""Names in the table of weights of a network and its heads."""
DEFAULT_LPIPS = "alex"


class LpipsFiles(NamedTuple):
    """Which network, one of LPIPS_NETWORKS, and where the files of its features and its heads lie."""

    network: str
    features: Path
    heads: Path


@dataclass(frozen=True)
class Networks:
    """Where their files lie; None: not here, and what they measure is not measured (identity: by dlib's descriptor)."""

    lpips: LpipsFiles | None = None
    arcface: Path | None = None

    def digests(self) -> dict[str, str]:
        """What each measure's numbers depend on: the digests of the files."""
        files = {"arcface": self.arcface}
        if self.lpips is not None:
            features, heads = LPIPS_NETWORKS[self.lpips.network]
            files |= {features: self.lpips.features, heads: self.lpips.heads}
        return {name: file_digest(path) for name, path in files.items() if path is not None}


def find_networks(lpips: str = DEFAULT_LPIPS, weights_dir: Path | None = None) -> tuple[Networks, dict[str, str]]:
    """The networks that are here; and the measures that are absent, with the reason and how to mend it."""
    files, absent = None, {}
    try:
        files = LpipsFiles(lpips, *find_together(LPIPS_NETWORKS[lpips], weights_dir))
    except WeightsError as error:
        absent["lpips"] = str(error)
    return Networks(files, locate(get_published("arcface"), weights_dir)), absent
