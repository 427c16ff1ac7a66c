import json

import numpy as np
import pytest
from sklearn import metrics as sk

from hpsearch.errors import DataError
from hpsearch.metrics import metrics_of
from hpsearch.report.evaluation import evaluate
from hpsearch.report.intervals import bootstrap_intervals
from hpsearch.training.scores import score

from .pictures import pixels

RNG = np.random.default_rng(0)
Y2 = RNG.integers(0, 2, 300)
P2 = np.clip(0.4 * Y2 + 0.6 * RNG.random(300), 0, 1)
Y3 = RNG.integers(0, 3, 200)
P3 = RNG.dirichlet(np.ones(3), 200)
YR = RNG.normal(100, 30, 150)
PR = YR + RNG.normal(0, 5, 150)
KEYS = [
    "task", "target", "rows", "metrics", "report", "confusion_matrix", "labels", "roc", "threshold", "intervals",
]  # fmt: skip


def test_regression_metrics_are_scikit_learns():
    found = evaluate("regression", YR, PR).metrics
    assert found == {
        "rmse": sk.root_mean_squared_error(YR, PR), "mae": sk.mean_absolute_error(YR, PR), "r2": sk.r2_score(YR, PR),
    }  # fmt: skip


def test_binary_metrics_are_scikit_learns():
    guess = P2 > 0.5
    assert evaluate("binary", Y2, P2).metrics == pytest.approx({
        "log_loss": sk.log_loss(Y2, P2), "accuracy": sk.accuracy_score(Y2, guess),
        "balanced_accuracy": sk.balanced_accuracy_score(Y2, guess), "f1": sk.f1_score(Y2, guess),
        "roc_auc": sk.roc_auc_score(Y2, P2),
    })  # fmt: skip


def test_multiclass_metrics_are_scikit_learns():
    guess = P3.argmax(axis=1)
    assert evaluate("multiclass", Y3, P3).metrics == pytest.approx({
        "log_loss": sk.log_loss(Y3, P3), "accuracy": sk.accuracy_score(Y3, guess),
        "balanced_accuracy": sk.balanced_accuracy_score(Y3, guess), "f1": sk.f1_score(Y3, guess, average="macro"),
        "roc_auc": sk.roc_auc_score(Y3, P3, multi_class="ovr"),
    })  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("task", "y", "prediction"),
    [("regression", YR, PR), ("binary", Y2, P2), ("multiclass", Y3, P3), ("multiclass", np.minimum(Y3, 1), P3),
     ("binary", np.ones(5), np.array([0.0, 1.0, 0.5, 0.7, 1.0])), ("regression", YR[:1], PR[:1])],
)  # fmt: skip
def test_the_numbers_are_those_of_the_epochs(task, y, prediction, dtype):
    found = evaluate(task, y, prediction.astype(dtype)).metrics
    assert found == pytest.approx(score(task, y, prediction.astype(dtype)), rel=1e-6)


def test_float32_probabilities_turned_float64_need_not_add_up_exactly():
    rounded = P3.astype(np.float32).astype(np.float64)
    assert evaluate("multiclass", Y3, rounded).metrics["log_loss"] == pytest.approx(sk.log_loss(Y3, P3), rel=1e-5)


def test_the_text_holds_scikit_learns_report_and_the_confusion_matrix():
    text = evaluate("multiclass", Y3, P3, ["ash", "beech", "cedar"]).text
    guess = P3.argmax(axis=1)
    assert sk.classification_report(Y3, guess, target_names=["ash", "beech", "cedar"], digits=4).rstrip() in text
    lines = text.splitlines()[-3:]
    assert [[int(cell) for cell in line.split()[1:]] for line in lines] == sk.confusion_matrix(Y3, guess).tolist()


def test_the_text_of_many_classes_lists_the_commonest_confusions():
    y = np.arange(60) % 30
    guess = np.eye(30)[np.where(y == 3, 4, y)]
    assert "2  3 taken for 4" in evaluate("multiclass", y, guess).text


@pytest.mark.parametrize(
    ("task", "y", "prediction"),
    [("regression", YR, PR), ("binary", Y2, P2), ("multiclass", Y3, P3), ("binary", np.zeros(4), np.ones(4) * 0.2)],
)
def test_json_has_the_same_keys_for_every_task_and_no_nan(task, y, prediction):
    values = evaluate(task, y, prediction).to_json()
    assert list(values) == KEYS
    assert list(values["metrics"]) == [metric.name for metric in metrics_of(task)]
    assert json.loads(json.dumps(values, allow_nan=False)) == values


def test_labels_report_and_matrix_follow_the_threshold():
    found, guess = evaluate("binary", Y2, P2, ["no", "yes"], threshold=0.3), P2 > 0.3
    assert found.metrics["accuracy"] == sk.accuracy_score(Y2, guess)
    assert found.metrics["f1"] == pytest.approx(sk.f1_score(Y2, guess))
    values = found.to_json()
    assert values["threshold"] == 0.3
    assert values["confusion_matrix"] == sk.confusion_matrix(Y2, guess).tolist()
    assert values["report"]["yes"]["recall"] == pytest.approx(sk.recall_score(Y2, guess))
    assert "a row is taken for yes above a probability of 0.3" in found.text


def test_scores_of_probabilities_do_not_follow_the_threshold():
    found, moved = (evaluate("binary", Y2, P2, threshold=threshold).metrics for threshold in (0.5, 0.9))
    assert found["accuracy"] != moved["accuracy"]
    assert [found[name] for name in ("log_loss", "roc_auc")] == [moved[name] for name in ("log_loss", "roc_auc")]


def test_a_threshold_between_two_float32_numbers_tells_them_apart():
    low = np.float32(0.3)
    high = np.nextafter(low, np.float32(1))
    threshold = (float(low) + float(high)) / 2
    assert evaluate("binary", [0, 1], np.array([low, high]), threshold=threshold).metrics["accuracy"] == 1


@pytest.mark.parametrize(("task", "y", "prediction"), [("regression", YR, PR), ("multiclass", Y3, P3)])
def test_only_binary_has_a_threshold(task, y, prediction):
    assert evaluate(task, y, prediction).to_json()["threshold"] is None


@pytest.mark.parametrize(
    ("task", "y", "prediction"), [("regression", YR, PR), ("binary", Y2, P2), ("multiclass", Y3, P3)]
)
def test_intervals_stand_beside_their_metrics(task, y, prediction):
    found = evaluate(task, y, prediction, threshold=0.4, intervals=True)
    assert found.intervals == bootstrap_intervals(task, y, prediction, 0.4)
    values = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert {name: tuple(ends) for name, ends in values["intervals"].items()} == found.intervals
    for name, (low, high) in found.intervals.items():
        line = next(line for line in found.text.splitlines() if line.startswith(name))
        assert line.split("[")[1].split("]")[0] == f"{low:,.4f}, {high:,.4f}"
    assert "95 % bootstrap interval" in found.text


def test_without_intervals_none_is_spoken_of():
    found = evaluate("regression", YR, PR)
    assert found.to_json()["intervals"] == {}
    assert "interval" not in found.text


def test_the_roc_curve_is_thinned_and_keeps_its_ends():
    y = RNG.integers(0, 2, 20_000)
    roc = evaluate("binary", y, np.clip(RNG.random(20_000) * 0.8 + 0.2 * y, 0, 1)).to_json()["roc"]
    assert len(roc["fpr"]) == len(roc["tpr"]) == len(roc["thresholds"]) == 200
    assert (roc["fpr"][0], roc["tpr"][-1], roc["thresholds"][0]) == (0.0, 1.0, None)


def test_the_report_and_the_matrix_know_classes_that_no_row_has():
    values = evaluate("multiclass", np.zeros(9), np.tile([0.2, 0.7, 0.1], (9, 1)), ["a", "b", "c"]).to_json()
    assert values["confusion_matrix"] == [[0, 9, 0], [0, 0, 0], [0, 0, 0]]
    assert values["report"]["c"]["support"] == 0
    assert values["metrics"]["roc_auc"] is None


def test_a_class_called_accuracy_does_not_hide_the_reports_own_line():
    report = evaluate("binary", Y2, P2, ["accuracy", "macro avg"]).to_json()["report"]
    assert report["accuracy"] == pytest.approx(sk.accuracy_score(Y2, P2 > 0.5))
    assert report["class macro avg"]["support"] == Y2.sum()


@pytest.mark.parametrize(
    ("task", "y", "prediction", "names"),
    [("regression", YR, PR, {"predicted_vs_actual", "residuals"}), ("binary", Y2, P2, {"confusion_matrix", "roc"}),
     ("binary", np.ones(3), np.ones(3), {"confusion_matrix", "roc"}), ("multiclass", Y3, P3, {"confusion_matrix"})],
)  # fmt: skip
def test_the_pictures_are_those_of_the_task(task, y, prediction, names):
    pictures = evaluate(task, y, prediction).figures()
    assert set(pictures) == names
    assert all(pixels(picture).size for picture in pictures.values())


@pytest.mark.parametrize(
    ("task", "y", "prediction", "names", "message"),
    [
        ("regression", [], [], (), "no rows"),
        ("regression", [1.0, 2.0], [1.0], (), "do not go with"),
        ("multiclass", [0, 1], [0.5, 0.5], (), "do not go with"),
        ("regression", [1.0, 2.0], [1.0, np.nan], (), "1 of 2 predictions are not finite"),
        ("binary", [0, 1], [0.1, 0.9], ("a", "b", "c"), "3 class names"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_with_the_reason(task, y, prediction, names, message):
    with pytest.raises(DataError, match=message):
        evaluate(task, y, prediction, names)
