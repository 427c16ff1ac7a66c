"""The hyperparameter table and the search space a study makes of it."""
