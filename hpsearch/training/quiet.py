"""Import TensorFlow and Keras without a line on stdout or stderr, with as many threads as asked."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, cast


def import_keras(threads: int | None = None) -> Any:
    """Return the `keras` module, TensorFlow imported and silenced; cheap when called again.

    threads: intra-op and inter-op threads of this process (1 in a worker: two processes with one thread each beat one
    with two). None leaves TensorFlow's choice. Raises RuntimeError where TensorFlow already runs with another number.
    """
    if "tensorflow" not in sys.modules:
        # The variable silences the C++ side only once its logging is set up; what is said before that (oneDNN, CUDA
        # stubs, cuInit) comes straight to file descriptor 2.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        with _quiet_stderr():
            tensorflow = _import_tensorflow()
            tensorflow.config.list_physical_devices()
        tensorflow.get_logger().setLevel("ERROR")
    if threads is not None:
        _set_threads(threads)
    import keras

    return cast(Any, keras)


def _import_tensorflow() -> ModuleType:
    import tensorflow

    return cast(ModuleType, tensorflow)


def _set_threads(threads: int) -> None:
    import tensorflow as tf

    # Setting the number it has is allowed at any time, another one only before the first operation.
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
