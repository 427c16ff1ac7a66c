"""One XLA program for the training steps of every configuration that fits its padded shape."""
