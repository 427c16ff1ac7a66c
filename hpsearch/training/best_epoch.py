"""Which epoch is the best so far, and when there is no more hope of a better one. Every trainer asks here."""

from __future__ import annotations

from hpsearch.metrics import METRICS
from hpsearch.training.trainer import Settings


class BestEpoch:
    """Follows the objective of the validation rows through a job's epochs (Prechelt 1998, as Keras stops early)."""

    def __init__(self, settings: Settings) -> None:
        self.step = 0
        """the best epoch so far, counted from 1; 0 before the first"""
        self._metric = METRICS[settings.objective]
        self._patience = settings.patience
        self._min_delta = settings.min_delta if self._metric.direction == "minimize" else -settings.min_delta
        self._best = self._mark = 0.0
        self._marked_at = 0

    def is_new_best(self, step: int, value: float) -> bool:
        """Take in an epoch; tell whether it is the best so far (of equal ones the first is)."""
        # The best epoch is the best however small the gain; only what beats the mark by min_delta renews the patience.
        if self.step == 0 or self._metric.better(value + self._min_delta, self._mark):
            self._mark, self._marked_at = value, step
        if self.step and not self._metric.better(value, self._best):
            return False
        self._best, self.step = value, step
        return True

    def is_hopeless(self, step: int) -> bool:
        """Tell whether `patience` epochs have gone by without improvement."""
        return self._patience is not None and step - self._marked_at >= self._patience
