"""Configuration and arrays -> outcome, epoch by epoch. Knows nothing of Optuna, MLflow or processes."""
