"""Tables become arrays: read, inspect, split, prepare; everything fitted is plain data."""
