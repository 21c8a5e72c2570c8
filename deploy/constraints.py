"""Write `constraints.txt` and `constraints-test.txt`: the versions and hashes that `make app` and `make test` install.

`make constraints` runs it, and takes the newest versions that pyproject.toml allows. uv resolves them, and the build backend,
for every platform and Python version at once. torch is left out, and with it the CUDA libraries: the files say why.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEFAULT, TEST = "constraints.txt", "constraints-test.txt"
# torch's build on PyPI asks for these by exact version; a CPU build does not.
LEFT_OUT = re.compile(r"(?:torch|triton|cuda-[a-z]+|nvidia-[a-z0-9-]+)==")
HEAD = """\
# Written by `make constraints`. Each version has the hashes of its files on PyPI, and pip refuses any other file:
#
#     python -m pip install --no-deps -r {name}
#     python -m pip install --no-build-isolation -e {what}
#
# By -r and before the project, not by -c and with it: pip checks the hashes of all that it installs or of none, and a folder
# has none. torch is not in it: under the one version that pyproject.toml names lie different files, CPU builds and CUDA builds,
# from different places. The second command brings it; its CUDA build asks for the libraries it needs by exact version.
"""


def resolve(*more: str) -> str:
    """The pinned requirements of pyproject.toml, as uv prints them with `more` options."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "-", *options, *more],
        input="\n".join(project["build-system"]["requires"]),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
        check=True,
    )
    return done.stdout


def without_torch(pinned: str) -> str:
    """Pinned requirements without torch and the CUDA libraries."""
    requirements = re.split(r"^(?=\S)", pinned, flags=re.MULTILINE)  # the hashes of each stand indented under it
    return "".join(requirement for requirement in requirements if not LEFT_OUT.match(requirement))


def main() -> None:
    tested = without_torch(resolve("--extra", "test"))
    (ROOT / TEST).write_text(HEAD.format(name=TEST, what="'.[test]'") + tested, encoding="utf-8")
    default = without_torch(resolve("--constraint", TEST))  # the versions that were tested
    (ROOT / DEFAULT).write_text(HEAD.format(name=DEFAULT, what=".") + default, encoding="utf-8")


if __name__ == "__main__":
    main()
