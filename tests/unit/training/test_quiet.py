from __future__ import annotations

import subprocess
import sys

import pytest

from hpsearch.training.quiet import import_keras

PROGRAM = """
from hpsearch.training.quiet import import_keras
keras = import_keras(threads=1)
import_keras(threads=1)
import tensorflow as tf
model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
model.compile("adam", "mse")
model.fit(tf.zeros((4, 2)), tf.zeros((4, 1)), verbose=0)
assert tf.config.threading.get_intra_op_parallelism_threads() == 1
assert tf.config.threading.get_inter_op_parallelism_threads() == 1
assert keras.__name__ == "keras"
import os, sys
os.write(2, b"heard")
"""


def test_keras_is_imported_and_trains_in_one_thread_without_a_word() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "heard")


def test_another_number_of_threads_is_refused_once_tensorflow_runs() -> None:
    import tensorflow as tf

    import_keras()
    tf.zeros(()).numpy()
    with pytest.raises(RuntimeError):
        import_keras(threads=7)
