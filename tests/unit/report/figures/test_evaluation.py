import numpy as np
import pytest

from hpsearch.report.figures import confusion_matrix, predicted_vs_actual, residuals, roc_curve
from hpsearch.report.style import BLUE, RED

from ..pictures import area_of, pixels

LONG = "日本 $x$ <img src=x onerror=alert(1)> \N{GRINNING FACE}\n" * 50


@pytest.mark.parametrize("classes", [1, 2, 3, 10, 25, 120])
def test_confusion_matrices_of_any_size_are_drawn_no_larger_than_a_screen(classes):
    matrix = np.random.default_rng(0).poisson(1, (classes, classes))
    picture = pixels(confusion_matrix(matrix, [f"{LONG} {i}" for i in range(classes)]))
    assert max(picture.shape) < 1400


def test_a_confusion_matrix_of_no_rows_is_drawn():
    assert pixels(confusion_matrix(np.zeros((2, 2), dtype=int), ["no", "yes"])).size


def test_a_roc_curve_is_drawn_or_its_absence_said():
    assert area_of(roc_curve([0, 0, 1], [0, 1, 1], 1.0, LONG), BLUE) > 300
    assert area_of(roc_curve([], [], float("nan")), BLUE) == 0


@pytest.mark.parametrize("rows", [0, 1, 2, 300, 5000])
@pytest.mark.parametrize("draw", [predicted_vs_actual, residuals])
def test_any_number_of_predictions_is_drawn(rows, draw):
    rng = np.random.default_rng(0)
    y = rng.normal(size=rows)
    assert pixels(draw(y, y + rng.normal(size=rows), LONG)).size


@pytest.mark.parametrize("draw", [predicted_vs_actual, residuals])
@pytest.mark.parametrize(
    ("y", "prediction"),
    [([5.0] * 4, [5.0] * 4), ([1.0, 2.0], [np.nan, np.inf]), ([0.0, 1e300], [1e-300, 1e300]), ([1.0, 2.0], [1.0, 2.0])],
)
def test_odd_predictions_are_drawn(draw, y, prediction):
    assert pixels(draw(y, prediction)).size


def test_a_perfect_model_is_told_by_a_line():
    assert area_of(predicted_vs_actual([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]), RED) > 100
