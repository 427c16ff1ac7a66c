"""Delivery: a trained net becomes a package that takes raw rows, alone, in MLflow, or in a folder for a person."""
