"""What the report says of a set and of two: means, distributions, differences with their direction, the worst."""

import numpy as np
import pytest

from tk_tools.metrics.intervals import mean_with_interval
from tk_tools.metrics.paired import sign_flip_test
from tk_tools.report.numbers import compare, summaries_of, too_few_pairs, worst_difference_first, worst_first
from tk_tools.report.rows import Row
from tk_tools.report.systems import by_stem, join_tables


def joined(**columns):
    rows = zip(*columns.values(), strict=True)
    table = [Row(f"{n}.mp4", numbers=dict(zip(columns, map(float, row), strict=True))) for n, row in enumerate(rows)]
    return join_tables([table], "")


def system(**columns):
    return by_stem(joined(**columns))


def test_every_value_is_in_the_distribution():
    values = np.random.default_rng(0).normal(size=500)
    found = summaries_of([joined(ssim=values, lmd=np.full(500, 2.0)), joined(ssim=[-10, 10])], ["ssim", "lmd"])
    summary, other = found["ssim"]
    assert summary.mean == pytest.approx(mean_with_interval(values))
    assert (summary.least, summary.greatest) == (values.min(), values.max())
    assert summary.distribution[:2] == other.distribution[:2] == (-10, 10)
    assert (sum(summary.distribution.counts), sum(other.distribution.counts)) == (500, 2)
    assert summary.distribution.counts[0] == 0
    assert found["lmd"][0].distribution == (2, 2, [500])
    assert found["lmd"][1] is None


def test_a_clear_difference_is_found_in_its_direction():
    rng = np.random.default_rng(1)
    base = rng.normal(size=30)
    first = system(ssim=base, lse_d=base, offset=np.zeros(30), shine=base, pesq=base)
    other = system(
        ssim=base + 1, lse_d=base + 1, offset=np.full(30, -3), shine=base + 1, pesq=base + rng.normal(size=30)
    )
    found = {one.key: one for one in compare(first, [other], ["ssim", "lse_d", "offset", "shine", "pesq"])}
    verdicts = {key: one.verdict for key, one in found.items()}
    assert verdicts == {"ssim": "other", "lse_d": "first", "offset": "first", "pesq": "unclear"}
    assert found["ssim"].difference.value == pytest.approx(1)
    assert found["offset"].difference.value == 3  # of the distance from 0
    assert found["ssim"].corrected == pytest.approx(4 * found["ssim"].p)  # what has no direction is not tested


def test_too_few_pairs_to_tell_systems_apart():
    for pairs, measures, few in [(5, 1, 5), (6, 1, 0), (6, 2, 6), (7, 2, 0), (20, 2, 0)]:
        first, other = (system(ssim=np.full(pairs, value), lmd=np.full(pairs, value)) for value in (0.1, 0.2))
        found = compare(first, [other], ["ssim", "lmd"][:measures])
        assert too_few_pairs(found) == few
        assert any(one.verdict != "unclear" for one in found) is not bool(few)
    assert too_few_pairs([]) == 0


def test_only_shared_clips_count():
    first, other = system(ssim=[0.1, 0.2, 0.3]), system(ssim=[0.2, 0.4])
    (found,) = compare(first, [other], ["ssim"])
    assert found.difference.count == found.first_mean.count == 2
    assert found.difference.value == pytest.approx(0.15)
    assert found.p == sign_flip_test([0.1, 0.2])


def test_one_pair_has_no_interval_and_no_p():
    (found,) = compare(system(ssim=[0.1]), [system(ssim=[0.2])], ["ssim"])
    assert (found.p, found.corrected, found.difference.low, found.verdict) == (None, None, None, "unclear")
    assert compare(system(ssim=[0.1]), [system(psnr=[0.2])], ["ssim", "psnr"]) == []


def test_worst_first():
    clips = list(system(ssim=[0.5, 0.1, 0.9], lse_d=[7, 9, 8], offset=[-4, 1, 3]).values())
    for key, order in {"ssim": "102", "lse_d": "120", "offset": "021"}.items():
        assert "".join(clip.stem for clip in worst_first(clips, key)) == order


def test_worst_differences_first():
    first, other = system(ssim=[0.5, 0.5, 0.5], lse_d=[7, 7, 7]), system(ssim=[0.4, 0.6, 0.1], lse_d=[7, 9, 6])
    assert worst_difference_first(first, other, "ssim") == ["2", "0", "1"]
    assert worst_difference_first(first, other, "lse_d") == ["1", "0", "2"]
