import os
import sys
from pathlib import Path

import psutil
import pytest
from contest.launch import Command, run_all

FOREVER = "import time\nwhile True: time.sleep(1)"


def python(program: str, log: Path, **options: object) -> Command:
    return Command([sys.executable, "-c", program], log, **options)  # type: ignore[arg-type]


def test_commands_run_until_the_last_has_ended(tmp_path: Path) -> None:
    run_all([python(f"print({number})", tmp_path / f"{number}.txt") for number in (1, 2)])
    assert [(tmp_path / f"{number}.txt").read_text() for number in (1, 2)] == ["1\n", "2\n"]


def test_processor_time_counts_children_that_were_waited_for(tmp_path: Path) -> None:
    busy = "import time\nwhile time.process_time() < 0.5: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"
    assert run_all([python(parent, tmp_path / "log.txt")]).processor >= 0.5


def test_a_failure_shows_the_end_of_its_log_and_ends_the_others(tmp_path: Path) -> None:
    note = f"import os; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
    wait = f"import pathlib\nwhile not pathlib.Path({str(tmp_path / 'pid')!r}).exists(): pass\n"
    failing = python(f"{wait}print('no room'); raise SystemExit(3)", tmp_path / "failing.txt")
    with pytest.raises(SystemExit, match="ended with status 3; its last lines:\nno room"):
        run_all([python(note + FOREVER, tmp_path / "other.txt"), failing])
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


def test_at_the_deadline_all_are_ended(tmp_path: Path) -> None:
    program = f"import os; print(os.getpid(), flush=True)\n{FOREVER}"
    ran = run_all([python(program, tmp_path / "log.txt")], deadline=1.0)
    assert ran.seconds >= 1.0
    assert all(not psutil.pid_exists(int(pid)) for pid in (tmp_path / "log.txt").read_text().split())


def test_one_that_ends_before_the_deadline_has_failed(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="status 0; its last lines:\ndone"):
        run_all([python("print('done')", tmp_path / "log.txt"), python(FOREVER, tmp_path / "b.txt")], deadline=60.0)


def test_a_command_can_be_held_to_one_core(tmp_path: Path) -> None:
    mine = os.sched_getaffinity(0)
    program = "import os; print(sorted(os.sched_getaffinity(0)))"
    run_all([python(program, tmp_path / "log.txt", core=max(mine))])
    assert (tmp_path / "log.txt").read_text() == f"[{max(mine)}]\n"
    assert os.sched_getaffinity(0) == mine


def test_what_points_a_contender_elsewhere_is_kept_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONDONTWRITEBYTECODE", "HPSEARCH_STORE", "MLFLOW_TRACKING_URI", "TF_XLA_FLAGS"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("KEPT", "1")
    program = "import os; print(sorted(name for name in os.environ if os.environ[name] == '1'))"
    run_all([python(program, tmp_path / "log.txt", environment={"ADDED": "1"})])
    names = (tmp_path / "log.txt").read_text()
    assert "'ADDED'" in names
    assert "'KEPT'" in names
    assert "HPSEARCH" not in names
    assert "DONTWRITE" not in names
    assert "TRACKING" not in names
    assert "XLA" not in names
