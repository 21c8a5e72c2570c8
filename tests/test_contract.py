from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig

import pytest

from tests.conftest import ROOT, SHARED

CONTRACT = SHARED / "accept" / "contract.py"


@pytest.mark.model
@pytest.mark.skipif(not CONTRACT.is_file(), reason=f"the command line's contract is not here: {CONTRACT} is missing")
def test_the_command_line_keeps_its_contract_on_the_official_releases() -> None:
    environment = {**os.environ, "PATH": f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"}
    assert shutil.which("qa", path=environment["PATH"]) is not None
    done = subprocess.run(
        [sys.executable, str(CONTRACT)], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.stdout.endswith("0 faults\n"), done.stdout + done.stderr
    assert done.returncode == 0
