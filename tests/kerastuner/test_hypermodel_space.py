"""What a hypermodel searches is found in its builds, and what is none that a study can search is told in one line."""

from __future__ import annotations

import itertools
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from hpsearch.app.discovered import _layer_faults, discovered
from hpsearch.data.dataset import Dataset
from hpsearch.errors import HypermodelError, SpecError, StudyChanged
from hpsearch.records import StudyInfo
from hpsearch.search.folder import StudyFile, StudyFolder
from hpsearch.search.settings import settle
from hpsearch.space.domain import Choices, FloatRange, IntRange
from hpsearch.space.hypermodel import hypermodel_space
from hpsearch.space.space import Space
from hpsearch.spec import StudySpec, make_spec
from hpsearch.spec.compare import differences
from hpsearch.training.hypermodel.discover import _found
from hpsearch.training.hypermodel.explore import explore
from hpsearch.training.hypermodel.load import load_hypermodel
from hpsearch.training.trainer import Hypermodel

from .prepared import FILE, prepared

pytestmark = pytest.mark.xdist_group("keras-tuner")


def found(name: str, data: Dataset) -> list[dict[str, Any]]:
    hypermodel = load_hypermodel(Hypermodel(FILE, name), data.signature)
    parameters: list[dict[str, Any]] = explore(hypermodel, data)["parameters"]
    return parameters


def space_of(name: str, data: Dataset) -> Space:
    return hypermodel_space(found(name, data))


def names(configuration: dict[str, Any]) -> set[str]:
    return set(configuration) - {"batch_size", "epochs"}


def test_a_net_has_the_parameters_of_the_layers_it_has() -> None:
    space = space_of("loop", prepared("regression"))
    point = {p.name: p.domain.nearest(p.row.usual) for p in space}
    for layers in range(4):
        widths = {f"units_{layer}" for layer in range(layers)}
        assert names(space.active(point | {"layers": layers})) == {"layers", "rate"} | widths
    assert space.defaults()["layers"] == 1


def test_a_number_with_a_step_decides_about_layers_as_well() -> None:
    space = space_of("stepped_loop", prepared("regression"))
    point = {p.name: p.domain.nearest(p.row.usual) for p in space}
    for layers in (0, 2, 4):
        widths = {f"units_{layer}" for layer in range(layers)}
        assert names(space.active(point | {"layers": layers})) == {"layers", "rate"} | widths


def test_what_its_own_fit_asks_for_has_conditions_too() -> None:
    space = space_of("Augmented", prepared("regression"))
    point = {p.name: p.domain.nearest(p.row.usual) for p in space}
    assert names(space.active(point | {"augment": "false"})) == {"rate", "augment"}
    assert names(space.active(point | {"augment": "true"})) == {"rate", "augment", "noise"}


def test_no_condition_is_kept_that_any_build_contradicts() -> None:
    space = space_of("twins", prepared("regression"))
    point = {p.name: p.domain.nearest(p.row.usual) for p in space}
    for kind, depth in itertools.product(("a", "b"), range(1, 7)):
        configuration = space.active(point | {"kind": kind, "layers": depth, "wide": depth})
        assert {f"units_{n}" for n in range(depth)} <= set(configuration)


def test_conditional_scopes_hold_one_in_another() -> None:
    space = space_of("scopes", prepared("regression"))
    point = {p.name: p.domain.nearest(p.row.usual) for p in space}
    always = {"kind", "rate"}
    deep = always | {"deep/width", "deep/dropped"}
    assert names(space.active(point)) == always
    assert names(space.active(point | {"kind": "deep"})) == deep | {"deep/share"}
    assert names(space.active(point | {"kind": "deep", "deep/dropped": "false"})) == deep
    assert space.faults({"kind": "linear", "deep/width": 4, "rate": 0.1, "batch_size": 32, "epochs": 30}) == [
        "deep/width does not exist in a net with kind linear; remove it"
    ]


def test_every_kind_has_its_domain() -> None:
    domains = {p.name: p.domain for p in space_of("kinds", prepared("regression"))}
    assert domains["version"] == Choices((3,))
    assert domains["stepped"] == IntRange(2, 8, 3)
    assert domains["doubled"] == Choices((2, 4, 8, 16))
    assert domains["reversed"] == FloatRange(0.1, 10.0)
    assert domains["rate"] == FloatRange(1e-3, 1e-1, log=True)
    assert domains["text"] == Choices(("true", "false"))
    assert [p.row.usual for p in space_of("scopes", prepared("regression")) if p.name == "deep/dropped"] == ["true"]


def test_a_function_may_ask_for_what_the_data_are() -> None:
    assert found("told", prepared("multiclass")) == []


def test_what_its_own_fit_asks_for_is_found_and_takes_the_place_of_the_study_s() -> None:
    domains = {p.name: p.domain for p in space_of("OwnFit", prepared("regression"))}
    assert domains["batch_size"] == Choices((32, 64))
    assert list(domains).count("batch_size") == 1


@pytest.mark.parametrize(
    ("name", "task", "message"),
    [
        ("nothing", "regression", r"build\(hp\) returned nothing"),
        ("uncompiled", "regression", "the net is not compiled"),
        ("two_outputs", "regression", r"the net gives \(None, 2\), a regression task needs \(None, 1\)"),
        ("three_inputs", "regression", r"the net takes inputs \(None, 3\), the data have \(None, 10\)"),
        ("raises", "regression", "build.hp. raised ZeroDivisionError: no net today"),
        ("restless", "regression", "the space changes from call to call"),
        ("two_ranges", "regression", "'width' is asked for with two ranges"),
        ("logits", "binary", "the loss takes logits"),
        ("no_probability", "binary", "the net gives no probabilities; end it with one sigmoid unit"),
        ("one_hot", "multiclass", "the loss does not take the data's targets"),
        ("subclassed", "regression", "the net is a Subclassed, whose code a package cannot hold"),
        ("FitRaises", "regression", "fit raised ValueError: nothing to train"),
        ("los", "regression", "hypermodels.py has no 'los'; did you mean"),
        ("NoHyperModel", "regression", "no keras_tuner.HyperModel"),
        ("a_number", "regression", "neither a HyperModel nor a function"),
    ],
)
def test_what_is_no_hypermodel_of_the_task_is_told(name: str, task: str, message: str) -> None:
    with pytest.raises(HypermodelError, match=message):
        found(name, prepared(task))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import no_such_library", r"cannot be imported: ModuleNotFoundError: .*no_such_library.* \(line 1\)"),
        ("x = 1\ndef build(hp:\n", r"cannot be imported: SyntaxError: .*\(line 2\)"),
        ("import sys\nsys.exit(3)", r"cannot be imported: SystemExit: 3 \(line 2\)"),
        ("def build(hp):\n    raise SystemExit", r"cannot be built: SystemExit \(line 2\)"),
    ],
)
def test_a_file_that_does_not_run_is_told_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text)
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(_found(file, "build", prepared("regression").folder)["error"])


def spec(**values: Any) -> StudySpec:
    model = {"hypermodel": f"{FILE.name}:{values.pop('name', 'loop')}", **values.pop("model", {})}
    return make_spec({"data": {"sklearn": "diabetes"}, "model": model, **values}, folder=FILE.parent)


def test_its_process_finds_the_space_and_a_later_launch_is_spared_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = prepared("regression")
    study = discovered(spec(name="Normalized"), data)
    assert study.model is not None
    assert [one["name"] for one in study.model.parameters or ()] == ["width"]
    assert make_spec(study.model_dump(mode="json"), folder=FILE.parent).build_space() == study.build_space()
    settled = settle(study, data)
    assert settled.settings.hypermodel is not None
    assert settled.settings.hypermodel.digest == study.model.digest
    folder = StudyFolder(tmp_path / "study")
    info = StudyInfo("study", "0" * 16, "rmse", "minimize", "regression", data.digest)
    folder.write(StudyFile(info, study.model_dump(mode="json"), str(FILE.parent), "", str(data.folder), 1, ""))
    monkeypatch.setattr(sys, "executable", "/no/such/program")
    assert discovered(spec(name="Normalized"), data, folder) == study
    with pytest.raises(FileNotFoundError):
        discovered(spec(name="loop"), data, folder)


def test_a_process_that_does_not_end_is_killed_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hangs.py").write_text("import threading\nthreading.Event().wait()\n")
    monkeypatch.setattr("hpsearch.app.discovered.LIMIT", 1.0)
    hanging = make_spec({"data": {"sklearn": "diabetes"}, "model": {"hypermodel": "hangs.py:build"}}, folder=tmp_path)
    with pytest.raises(HypermodelError, match="its process did not end within 1 s and was killed"):
        discovered(hanging, prepared("regression"))


def test_a_process_that_dies_is_told() -> None:
    with pytest.raises(HypermodelError, match=rf"its process died of {signal.SIGKILL.name}"):
        discovered(spec(name="killed"), prepared("regression"))


def test_a_layer_that_no_package_holds_is_named() -> None:
    data = prepared("regression")
    layers = explore(load_hypermodel(Hypermodel(FILE, "own_layer"), data.signature), data)["layers"]
    assert _layer_faults(layers) == ["Doubled (layer 'twice')"]


def test_without_keras_tuner_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras_tuner", None)
    with pytest.raises(SpecError, match=r'pip install "hpsearch\[keras-tuner\]"'):
        discovered(spec(), prepared("regression"))


def test_a_file_that_is_missing_is_told() -> None:
    missing = make_spec({"data": {"sklearn": "diabetes"}, "model": {"hypermodel": "none.py:build"}}, folder=FILE.parent)
    with pytest.raises(SpecError, match=r"field 'model.hypermodel': .*none.py cannot be read: No such file"):
        discovered(missing, prepared("regression"))


def known(name: str, data: Dataset, **values: Any) -> StudySpec:
    """A study whose space is found, without a process of its own."""
    study = spec(name=name, **values)
    assert study.model is not None
    return study.model_copy(
        update={"model": study.model.model_copy(update={"digest": "0" * 64, "parameters": found(name, data)})}
    )


def test_the_study_file_narrows_and_fixes_its_parameters() -> None:
    data = prepared("regression")
    model = {"space": {"kind": "deep", "deep/dropped": False, "rate": {"low": 0.01, "high": 0.02}}}
    study = known("scopes", data, model=model, space={"epochs": 3})
    domains = {p.name: p.domain for p in settle(study, data).space}
    assert domains["kind"] == Choices(("deep",))
    assert domains["deep/dropped"] == Choices(("false",))
    assert domains["rate"] == FloatRange(0.01, 0.02, log=True)
    assert domains["epochs"] == Choices((3,))


def test_what_the_study_file_says_of_it_wrongly_is_told_at_once() -> None:
    data = prepared("regression")
    wrong = known("scopes", data, model={"space": {"kind": "dep", "ratr": 3, "rate": {"low": 5}}})
    with pytest.raises(SpecError) as told:
        settle(wrong, data)
    fields = [fault.field for fault in told.value.faults]
    assert fields == ["model.space.ratr", "model.space.kind.0", "model.space.rate.low"]
    start = known("scopes", data, search={"start_with": [{"kind": "linear", "rate": 7}]})
    with pytest.raises(SpecError, match=r"field 'search.start_with.0': rate 7 is outside 0.001..0.1, log"):
        settle(start, data)


def test_what_the_hypermodel_decides_the_study_file_cannot() -> None:
    with pytest.raises(SpecError) as told:
        spec(space={"neurons": 8, "epochs": 3}, search={"loss": "mae", "trainer": "compiled"})
    assert [fault.field for fault in told.value.faults] == ["space.neurons", "search.loss", "search.trainer"]
    with pytest.raises(SpecError, match=r"write FILE.py:NAME"):
        make_spec({"data": {"sklearn": "iris"}, "model": {"hypermodel": "hypermodels.build"}})


def test_a_changed_file_makes_another_study_whose_trials_widen_may_carry() -> None:
    one = known("loop", prepared("regression")).model_dump(mode="json")
    other = {**one, "model": {**one["model"], "digest": "f" * 64, "parameters": []}}
    told = differences(one, other)
    assert len(told) == 2
    assert told[0] == "model.digest: 000000000000 -> ffffffffffff (the hypermodel's file is not the same)"
    assert differences(one, other, but_space=True) == []
    with pytest.raises(StudyChanged, match="not the file that the study began with"):
        load_hypermodel(Hypermodel(FILE, "loop", "f" * 64), prepared("regression").signature)
