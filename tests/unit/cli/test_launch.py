from __future__ import annotations

import sys

import pytest

from hpsearch.cli import main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--timeout", "soon"), "--timeout: 'soon' is no duration; write a number of seconds or 30s"),
        (("--timeout", "-5"), "--timeout"),
        (("--timeout", "0"), "--timeout"),
        (("--workers", "0"), "--workers: 0 is no number of workers; give auto, inline or a number"),
        (("--workers", "-1"), "--workers"),
        (("--workers", "1.5"), "--workers"),
        (("--trials", "2", "--more", "1"), "give --trials (in all) or --more (beyond those done), not both"),
        (("--more", "0"), "--more"),
        (("--trials", "many"), "--trials"),
    ],
)
def test_an_option_that_makes_no_sense_is_told(
    study_file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...], message: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["hpsearch", "run", study_file, *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert message in err


def test_a_wrong_study_file_is_told_before_anything_heavy_is_loaded(tmp_path: object) -> None:
    import subprocess

    code = (
        "import sys; sys.argv = ['hpsearch', 'run', 'missing.yaml']\n"
        "from hpsearch.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: print(end.code, {'tensorflow', 'mlflow', 'optuna', 'pandas'} & set(sys.modules))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=str(tmp_path))
    assert ended.stdout == "2 set()\n"
