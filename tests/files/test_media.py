"""What is looked at of a stranger's file before anything else opens it."""

import cv2
import pytest

from tests.media import counter_picture
from tk_tools.errors import InputError
from tk_tools.files.media import check_by_itself


@pytest.mark.parametrize("name", ["face.jpg", "face.jpeg", "face.png", "face"])
@pytest.mark.parametrize("kind", [".jpg", ".png"])
def test_a_picture_is_taken_whatever_it_is_called(tmp_path, name, kind):
    path = tmp_path / name
    path.write_bytes(cv2.imencode(kind, counter_picture(3))[1].tobytes())
    check_by_itself(path, most_pixels=64 * 64)


@pytest.mark.parametrize("kind", [".jpg", ".png"])
def test_a_picture_of_too_many_pixels_is_told(tmp_path, kind):
    path = tmp_path / f"face{kind}"
    cv2.imwrite(str(path), counter_picture(3))
    with pytest.raises(InputError, match="64 x 64"):
        check_by_itself(path, most_pixels=64 * 64 - 1)
