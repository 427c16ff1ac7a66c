import io

import matplotlib.image
from contest.quality_figure import quality_figure


def width_and_height(picture: bytes) -> tuple[int, int]:
    height, width, _ = matplotlib.image.imread(io.BytesIO(picture), format="png").shape
    return width, height


def test_the_picture_is_the_same_each_time() -> None:
    curves = {"a": [[(20.0, 60.0), (70.0, 45.0)], [(30.0, 50.0)]], "b": [[(40.0, 55.0)], [(90.0, 48.0)]]}
    picture = quality_figure(curves, 10.0, [1.0, 3.0, 10.0])
    assert picture == quality_figure(curves, 10.0, [1.0, 3.0, 10.0])
    assert min(width_and_height(picture)) > 400


def test_contenders_without_any_value_leave_the_picture_drawable() -> None:
    assert width_and_height(quality_figure({"a": [[]], "b": []}, 0.5, [0.5]))
