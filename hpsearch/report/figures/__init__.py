"""Every picture hpsearch draws: values in, PNG bytes out. Each stands one trial, none completed, and a thousand."""

from hpsearch.report.figures.configurations import parallel_coordinates, slices
from hpsearch.report.figures.evaluation import confusion_matrix, predicted_vs_actual, residuals, roc_curve
from hpsearch.report.figures.plots import search_plots
from hpsearch.report.figures.search import importances, optimization_history, timeline
from hpsearch.report.figures.trial import learning_curve

__all__ = [
    "confusion_matrix",
    "importances",
    "learning_curve",
    "optimization_history",
    "parallel_coordinates",
    "predicted_vs_actual",
    "residuals",
    "roc_curve",
    "search_plots",
    "slices",
    "timeline",
]
