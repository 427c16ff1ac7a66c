"""What MLflow is told of a study: described as data, written by one interpreter, made equal to the records again."""
