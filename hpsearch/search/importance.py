"""Which hyperparameters matter, by two methods that answer different questions, named wherever they are shown."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import optuna
from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator

from hpsearch.metrics import Direction
from hpsearch.records import TrialRecord
from hpsearch.search.book import rank
from hpsearch.space.optuna import to_distributions
from hpsearch.space.space import Space

FEWEST_TRIALS = 8
MOST_FOR_FANOVA = 500
"""Its forest takes 4 s for as many trials, 13 s for twice as many; PED-ANOVA takes none for any number."""


def importances(
    records: Sequence[TrialRecord],
    space: Space,
    direction: Direction,
    seed: int = 0,
    most: int = MOST_FOR_FANOVA,
) -> dict[str, dict[str, float]]:
    """Return each method's importances, largest first; {} with too few completed trials to tell.

    Only what a net really has counts: the journal also holds the widths that were suggested for layers a trial's net
    lacks, and those would be given a share for chance alone. PED-ANOVA: Watanabe et al. 2023; fANOVA: Hutter,
    Hoos and Leyton-Brown 2014, both as Optuna computes them; of more than `most` trials fANOVA gets some, as
    good and bad as all.
    """
    completed = [record for record in rank(records, direction) if record.copy_of is None]
    if len(completed) < FEWEST_TRIALS or len({record.value for record in completed}) < 2:
        return {}
    found = {}
    for name, evaluator, trials in (
        ("PED-ANOVA", PedAnovaImportanceEvaluator(), completed),
        ("fANOVA", FanovaImportanceEvaluator(seed=seed), _spread(completed, most)),
    ):
        study = _active_only(trials, space, direction)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            warnings.filterwarnings("ignore", "Some regimes for parameter", UserWarning)  # of PED-ANOVA: few trials
            values = optuna.importance.get_param_importances(study, evaluator=evaluator)
        found[name] = {parameter: float(value) for parameter, value in values.items()}
    return found


def _spread(ranked: Sequence[TrialRecord], most: int) -> Sequence[TrialRecord]:
    """Return `most` of the trials, evenly spread over their ranks; all if they are no more."""
    if len(ranked) <= most:
        return ranked
    return [ranked[int((index + 0.5) * len(ranked) / most)] for index in range(most)]


def _active_only(records: Sequence[TrialRecord], space: Space, direction: Direction) -> optuna.Study:
    """Return the trials as a study in memory that holds active parameters alone."""
    study = optuna.create_study(direction=direction, sampler=optuna.samplers.RandomSampler(seed=0))
    distributions = to_distributions(space)
    for record in records:
        own = {name: distributions[name] for name in record.configuration}
        trial = optuna.trial.create_trial(params=dict(record.configuration), distributions=own, value=record.value)
        study.add_trial(trial)
    return study
