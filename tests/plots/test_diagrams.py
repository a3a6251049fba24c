"""Diagrams show what the files hold: axes are asked for their data, pictures for their pixels."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes._secondary_axes import SecondaryAxis
from matplotlib.figure import Figure

from tests.media import write_click_wav
from tk_tools.errors import InputError
from tk_tools.files.average_mel_file import FramedPhones, write_average_mel_file
from tk_tools.files.embed_file import FrontEnd, write_embed_file
from tk_tools.files.feature_file import Features, write_feature_file
from tk_tools.files.mel_file import Mel, write_mel_file
from tk_tools.files.phone_averages_file import PhoneAverages, write_phone_averages
from tk_tools.files.provenance import Provenance, Source
from tk_tools.files.sync_file import SyncCurve, create_sync_file
from tk_tools.plots import PlotOptions, embed, features, mel, phones, sync, training, waveform
from tk_tools.plots.similarity import draw_similarities

MADE = Provenance({}, Source("made", "here"))


def write_mel(path, values):
    write_mel_file(path, [values], preset="wav2lip", sample_rate=16000, hop_length=200, unit="dB", made=MADE)
    return path


def test_mel_has_low_bands_at_the_bottom(tmp_path):
    values = np.full((100, 80), -4, np.float32)
    values[:, 60:] = 4
    picture = mel.draw(write_mel(tmp_path / "a.mel.h5", values), PlotOptions())
    middle = picture[60:340, 300:600].mean(axis=(1, 2))
    assert middle[:40].min() > 150
    assert middle[120:].max() < 20


def test_the_phones_of_an_average_voice_stand_above_it(tmp_path, monkeypatch):
    set_ticks = []
    monkeypatch.setattr(SecondaryAxis, "set_xticks", lambda axis, *arguments, **options: set_ticks.append(arguments))
    values = Mel(np.zeros((100, 80), np.float32), preset="diffvc", sample_rate=16000, hop_length=160)
    framed = FramedPhones(("sil", "ɲ"), np.array([(0, 40), (40, 100)]))
    write_average_mel_file(tmp_path / "a.avgmel.h5", values, framed, unit="log", made=MADE)
    assert mel.draw(tmp_path / "a.avgmel.h5", PlotOptions()).shape == (400, 1000, 3)
    ((seconds, symbols),) = set_ticks
    assert symbols == ("sil", "ɲ")
    np.testing.assert_allclose(seconds, [0.2, 0.7])


def test_each_phone_has_its_average_in_a_column(tmp_path):
    average = np.full((3, 80), -10, np.float32)
    average[1, 40:] = 2
    counts = np.array([1, 10, 100])
    table = PhoneAverages(("", "S", "ɲ"), average, counts, counts, "diffvc")
    path = tmp_path / "a.phones.h5"
    write_phone_averages(path, table, sample_rate=16000, hop_length=160, unit="log", made=MADE)
    picture = phones.draw(path, PlotOptions())
    assert picture.shape == (500, 600, 3)
    left = picture[:, :450].astype(int)  # without the colour bar
    dark, bright = left.sum(axis=2) < 30, (np.abs(left - (252, 253, 191)) < 8).all(axis=2)  # the ends of magma
    rows, columns = (np.flatnonzero(bright.any(axis=axis)) for axis in (1, 0))
    assert dark[rows[0] : rows[-1], columns[0] - 60 : columns[0] - 10].mean() > 0.9
    assert dark[rows[0] : rows[-1], columns[-1] + 10 : columns[-1] + 60].mean() > 0.9
    assert dark[rows[-1] + 10 : rows[-1] + 60, columns[0] : columns[-1]].mean() > 0.9


def test_mel_without_frames(tmp_path):
    with pytest.raises(InputError, match="no frames"):
        mel.draw(write_mel(tmp_path / "a.mel.h5", np.zeros((0, 80), np.float32)), PlotOptions())


@pytest.mark.parametrize("windows", [1, 6])
def test_embed_shows_another_voice_in_its_windows(tmp_path, windows):
    values = np.zeros((windows, 256), np.float32)
    values[:, 10:30] = 20**-0.5
    values[3:] = np.roll(values[3:], 200, axis=1)
    front_end = FrontEnd("diffvc", "window", step=80, hop_length=160, sample_rate=16000)
    blocks = [(values, 0.8 * np.arange(windows))]
    write_embed_file(tmp_path / "a.embed.h5", blocks, front_end, made=MADE)
    picture = embed.draw(tmp_path / "a.embed.h5", PlotOptions()).astype(int)
    if windows > 1:
        bright = np.argwhere(picture[160:340, 80:850].min(axis=2) > 150)  # the rows of the channels that are not zero
        left, right = bright[bright[:, 1] < 350], bright[bright[:, 1] > 450]
        assert left[:, 0].min() > right[:, 0].max() + 50
    else:
        bar = np.argwhere((picture[:, :, 2] > picture[:, :, 0] + 60).any(axis=0))
        assert 60 < bar.mean() < 200


def test_features_are_bright_at_their_time_and_channel(tmp_path):
    values = np.zeros((100, 29), np.float32)
    values[60:80, 20:25] = 1
    write_feature_file(tmp_path / "a.feat.h5", Features(values, "deepspeech"), MADE)
    picture = features.draw(tmp_path / "a.feat.h5", PlotOptions()).astype(int)[:, :850]
    bright = np.argwhere((np.abs(picture - (252, 253, 191)) < 8).all(axis=2))  # the end of magma
    dark = np.argwhere((np.abs(picture - (0, 0, 4)) < 2).all(axis=2))
    low, high = dark.min(axis=0), dark.max(axis=0)
    middle = (bright.mean(axis=0) - low) / (high - low)
    assert middle == pytest.approx([1 - 22.5 / 29, 0.7], abs=0.03)


@pytest.mark.parametrize("count", [3, 120])
def test_similarities_are_brightest_on_the_diagonal(count):
    cosines = np.eye(count)
    names = [f"{number}" for number in range(count)]
    picture = draw_similarities(cosines, names, [str(int(name) // 40) for name in names]).astype(int)
    yellow = np.argwhere((picture[:, :-150, 0] > 200) & (picture[:, :-150, 1] > 200) & (picture[:, :-150, 2] < 100))
    offset = yellow - yellow.mean(axis=0)
    assert np.corrcoef(offset.T)[0, 1] > 0.8


def test_envelope_holds_the_peaks_at_their_times(tmp_path):
    path = write_click_wav(tmp_path / "a.wav", seconds=2.0, rate=16000)
    low, high, count = waveform._envelope(path, stretch=80)
    assert count == 32000
    assert len(low) == len(high) == 400
    assert [round(0.005 * place, 2) for place in np.flatnonzero(high > 0.7)] == pytest.approx(
        [0.4, 0.4, 1.2, 1.2], abs=0.01
    )
    assert high.max() == pytest.approx(0.8, abs=0.01)
    assert low.min() == 0


def test_waveform_of_a_file_without_sound(tmp_path):
    from tests.media import write_clip

    with pytest.raises(InputError, match="no sound"):
        waveform.draw(write_clip(tmp_path / "a.mp4", frames=2, sound=None), PlotOptions())


def write_metrics(path, text):
    path.write_text(text)
    return path


def test_training_has_a_panel_for_each_name(tmp_path):
    header = "step,epoch,train/l1,val/l1,train/sync"
    one = training.draw(write_metrics(tmp_path / "metrics.csv", f"{header}\n1,0,0.5,,\n2,0,0.4,0.6,\n"), PlotOptions())
    two = training.draw(
        write_metrics(tmp_path / "metrics.csv", f"{header}\n1,0,0.5,,1\n2,0,0.4,0.6,nan\n"), PlotOptions()
    )
    assert one.shape == (300, 600, 3)
    assert two.shape == (300, 800, 3)


def test_training_draws_both_parts_of_a_name():
    axes = Figure().subplots()
    training._panel(axes, "l1", {"train": [(1, 0.5), (2, 0.4)], "val": [(2, 0.6)]})
    assert [line.get_xydata().tolist() for line in axes.lines] == [[[1, 0.5], [2, 0.4]], [[2, 0.6]]]
    assert axes.get_yscale() == "linear"
    training._panel(axes, "l1", {"train": [(1, 1000.0), (2, 0.4)]})
    assert axes.get_yscale() == "log"


@pytest.mark.parametrize("text", ["", "step,epoch\n", "step,epoch,train/l1\n1,0,\n", "some,other\n1,2\n"])
def test_training_without_numbers(tmp_path, text):
    with pytest.raises(InputError, match="no numbers yet"):
        training.draw(write_metrics(tmp_path / "metrics.csv", text), PlotOptions())


OFFSETS = np.arange(15, -16, -1)


def distances(best, windows=40):
    rng = np.random.default_rng(0)
    return 6 + 0.3 * np.abs(OFFSETS - best) + 0.01 * rng.normal(size=(windows, len(OFFSETS)))


def sync_curve(best):
    return SyncCurve(Path(f"{best}.mp4"), OFFSETS, curve=distances(best).mean(axis=0), distance=distances(best))


def test_sync_marks_the_least_distance():
    axes = Figure().subplots()
    clips = [
        SyncCurve(Path(f"{best}.mp4"), OFFSETS, distances(best).mean(axis=0), distances(best)) for best in (-2, -2, -3)
    ]
    sync._curves(axes, clips)
    assert axes.get_title().startswith("mean of 3 clips: least 6.")
    assert axes.get_title().endswith("at -2")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["-2.mp4", "-2.mp4", "-3.mp4"]


@pytest.mark.parametrize("count", [3, 9])
def test_sync_mean_is_of_the_same_clips_at_each_offset(count):
    """A clip without distances at one end would pull the mean there."""
    clips = [sync_curve(best=0) for _ in range(count)]
    far = sync_curve(best=0)
    far.curve[...] += 100
    far.curve[:5] = np.nan
    axes = Figure().subplots()
    sync._curves(axes, [*clips, far])
    assert axes.get_title() == f"mean of {count} of {count + 1} clips: least {clips[0].curve.min():.3f} at +0"
    if count > 6:
        assert axes.lines[-2].get_ydata() == pytest.approx(clips[0].curve)


def test_sync_curves_that_have_no_offsets_in_common_are_drawn():
    clips = [sync_curve(best=0) for _ in range(2)]
    clips[0].curve[:20], clips[1].curve[10:] = np.nan, np.nan
    axes = Figure().subplots()
    sync._curves(axes, clips)
    assert axes.get_title() == "2 clips, none with a distance at every offset"
    sync._curves(axes, clips[:1])
    assert axes.get_title().startswith("clip: least 7.")


def test_sync_windows_have_their_offsets():
    axes = Figure().subplots()
    sync._windows(axes, sync_curve(-2), frame_rate=25)
    image = axes.images[0]
    least = int(np.argmin(image.get_array().mean(axis=1)))
    left, right, bottom, top = image.get_extent()
    assert bottom + (least + 0.5) * (top - bottom) / len(OFFSETS) == -2
    assert (left, right) == (0, 40 / 25)


@pytest.mark.parametrize("clips", [1, 3, 9])
def test_sync_file_of_any_number_of_clips(tmp_path, clips):
    judge = tmp_path / "judge"
    judge.write_text("weights")
    path = tmp_path / "a.sync.h5"
    with create_sync_file(path, judge=judge, protocol={"max_shift": 15, "fps": 25}) as writer:
        for clip in range(clips):
            writer.append(Path(f"{clip}.mp4"), curve=distances(clip).mean(axis=0), distance=distances(clip))
    assert sync.draw(path, PlotOptions()).shape == (400, 1000, 3)


def test_look_is_ours_whatever_the_user_has_set(tmp_path):
    path = write_mel(tmp_path / "$a_b$.mel.h5", np.zeros((10, 80), np.float32))
    expected = mel.draw(path, PlotOptions())
    with mpl.rc_context({"axes.facecolor": "red", "font.size": 30, "axes.grid": True}):
        assert np.array_equal(mel.draw(path, PlotOptions()), expected)
