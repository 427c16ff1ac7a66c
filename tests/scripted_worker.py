"""A worker program with the scripted trainer: everything of `hpsearch.workers.process` but TensorFlow."""

import os
import sys

from fakes import ScriptedTrainer

from hpsearch.workers.process import serve
from hpsearch.workers.protocol import Setup


def warm_up(setup: Setup) -> ScriptedTrainer:
    if os.environ.get("SCRIPTED_WORKER") == "fails to start":
        sys.exit("no trainer to be found")
    return ScriptedTrainer()


serve(int(sys.argv[1]), warm_up)
