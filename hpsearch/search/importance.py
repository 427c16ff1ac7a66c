"""Which hyperparameters matter, by two methods that answer different questions, named wherever they are shown."""

from __future__ import annotations

import warnings
from pathlib import Path

import optuna
from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator

from hpsearch.search.optuna_study import read_study

MEANINGS = {
    "PED-ANOVA": "what sets the best trials apart from the rest",
    "fANOVA": "what makes the objective vary over the whole space",
}
FEWEST_TRIALS = 8


def importances(journal: Path, seed: int = 0) -> dict[str, dict[str, float]]:
    """Return each method's importances, summing to 1, largest first; {} with too few completed trials to tell."""
    study = read_study(journal)
    if study is None:
        return {}
    completed = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    if len(completed) < FEWEST_TRIALS or len({trial.value for trial in completed}) < 2:
        return {}
    evaluators = {"PED-ANOVA": PedAnovaImportanceEvaluator(), "fANOVA": FanovaImportanceEvaluator(seed=seed)}
    found = {}
    for name, evaluator in evaluators.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            values = optuna.importance.get_param_importances(study, evaluator=evaluator)
        found[name] = {parameter: float(value) for parameter, value in values.items()}
    return found
