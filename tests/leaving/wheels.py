"""A folder that uv can lock from without any index: of what is installed here, wheels that hold what they say of
themselves and nothing else."""

import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

from packaging.utils import canonicalize_name

from tests.conftest import needed

WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheels(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        found = distribution(name)
        stem = f"{canonicalize_name(name).replace('-', '_')}-{found.version}"
        with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
            for file, text in {"METADATA": found.read_text("METADATA") or "", "WHEEL": WHEEL, "RECORD": ""}.items():
                wheel.writestr(f"{stem}.dist-info/{file}", text)
    return folder


def relock(project: Path, folder: Path, *names: str) -> None:
    """By uv, of these packages alone; `folder` takes their wheels."""
    uv = Path(sys.executable).with_name("uv")
    needed(uv.exists(), "uv is missing; install the extra `test`")
    done = subprocess.run(
        [uv, "--no-config", "lock", "--offline", "--no-index", "--find-links", wheels(folder, *names)],
        cwd=project, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
