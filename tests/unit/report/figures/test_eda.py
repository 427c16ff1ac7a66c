import pytest

from hpsearch.data.profile import Correlations, TargetProfile
from hpsearch.report.figures.eda import correlation_heatmap, target_shape
from hpsearch.report.style import BLUE

from ..pictures import area_of, pixels

NAME = "日本 $x$ <script>" * 40


def test_classes_are_drawn_in_proportion_to_their_rows():
    few = area_of(target_shape(TargetProfile("y", "binary", 0, classes=(("no", 100), ("yes", 10)))), BLUE)
    many = area_of(target_shape(TargetProfile("y", "binary", 0, classes=(("no", 100), ("yes", 100)))), BLUE)
    assert few / many == pytest.approx(110 / 200, abs=0.03)


@pytest.mark.parametrize(
    "target",
    [
        TargetProfile(NAME, "regression", 0, histogram=((1, 0, 3), (0.0, 1.0, 2.0, 3.0)), moments=(("mean", 1.0),)),
        TargetProfile(NAME, "regression", 0, histogram=((4,), (5.0, 5.0))),
        TargetProfile(NAME, "regression", 3),
        TargetProfile(NAME, "multiclass", 0, classes=tuple((f"{NAME}{i}", i) for i in range(500))),
        TargetProfile(NAME, "binary", 0, classes=(("no", 0), ("yes", 0))),
    ],
)
def test_any_target_is_drawn(target):
    assert max(pixels(target_shape(target)).shape) < 1500


@pytest.mark.parametrize("k", [0, 1, 2, 14, 41])
def test_correlations_of_any_number_of_columns_are_drawn(k):
    matrix = tuple(tuple(None if (i, j) == (0, 1) else (-1.0) ** (i + j) for j in range(k)) for i in range(k))
    assert pixels(correlation_heatmap(Correlations((NAME,) * k, matrix, ()))).size
