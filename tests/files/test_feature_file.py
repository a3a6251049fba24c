"""NAME.feat.h5: what is written is read, and what cannot be used is told."""

import h5py
import numpy as np
import pytest

from tk_tools.errors import InputError
from tk_tools.files.check import check_file
from tk_tools.files.feature_file import Features, read_feature_file, write_feature_file
from tk_tools.files.info import describe_file
from tk_tools.files.provenance import Provenance, Source

MADE = Provenance({"model": "deepspeech"}, Source("a.wav", "digest"))


def values(rows=50, channels=29):
    return np.random.default_rng(0).normal(size=(rows, channels)).astype(np.float32)


def test_features_come_back(tmp_path):
    path = tmp_path / "a.feat.h5"
    write_feature_file(path, Features(values(), "deepspeech"), MADE)
    features = read_feature_file(path)
    assert np.array_equal(features.values, values())
    assert (features.model, features.rate) == ("deepspeech", 25)
    facts = describe_file(path)
    assert (facts["kind"], facts["frames"], facts["channels"], facts["model"]) == ("features", 50, 29, "deepspeech")
    assert facts["seconds"] == 2.0
    assert check_file(path) == {"kind": "features", "frames": 50}


@pytest.mark.parametrize("read", [read_feature_file, check_file])
def test_what_is_no_number_is_told(tmp_path, read):
    path = tmp_path / "a.feat.h5"
    write_feature_file(path, Features(values(), "mel"), MADE)
    with h5py.File(path, "r+") as file:
        file["features"][7, 3] = np.nan
    with pytest.raises(InputError, match="no numbers"):
        read(path)


def test_a_file_without_a_row_is_told(tmp_path):
    write_feature_file(tmp_path / "a.feat.h5", Features(values(0), "mel"), MADE)
    with pytest.raises(InputError, match=r"shape \(0, 29\)"):
        read_feature_file(tmp_path / "a.feat.h5")
