"""The measured mouth: known openings on drawn points."""

import numpy as np
import pytest

from tk_tools.face.mouth import opening_from_landmarks


def points(gap):
    """(68, 2) landmarks, px: a face 100 high with lips `gap` apart."""
    landmarks = np.zeros((68, 2))
    landmarks[27], landmarks[8] = (50, 20), (50, 120)
    landmarks[62], landmarks[66] = (50, 90), (50, 90 + gap)
    return landmarks


def test_the_opening_is_a_fraction_of_the_face_height():
    landmarks = np.stack([points(0), points(10), points(25)])
    assert opening_from_landmarks(landmarks) == pytest.approx([0, 0.1, 0.25])


def test_neither_size_nor_turn_of_the_face_matters():
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    assert opening_from_landmarks(3 * points(10) @ turn.T + 7) == pytest.approx(0.1)
