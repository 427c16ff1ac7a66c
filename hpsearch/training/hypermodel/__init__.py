"""keras-tuner's hypermodels in the place of the table's nets: read, asked what they search, built and trained."""
