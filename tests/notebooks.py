"""The notebooks of docs/notebooks, run one after another in one kernel, as each start of one costs seconds.

`python -m tests.notebooks` writes what they show into them: text and pictures, and nothing else that changes.
"""

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image
from traitlets.config import Config

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs/notebooks"
NAMES = ("first_look", "where_does_the_time_go", "feed_and_import_health")
SHOWN = ("text/plain", "image/png")
COLOURS = 96
RESET = "%reset -f"


def path(name: str) -> Path:
    return FOLDER / f"{name}.ipynb"


def opened(name: str) -> Any:
    return nbformat.read(path(name), as_version=4)


def run(folder: Path, numbers: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The notebooks with what they show, and what an expression (JSON's kinds only) is at the end of each.

    What they write, and the kernel's sockets, are in `folder`, whose path has to be short. Raises CellExecutionError
    for the first cell that fails.
    """
    books = {name: opened(name) for name in NAMES}
    whole = nbformat.v4.new_notebook()
    for name, book in books.items():
        ask = nbformat.v4.new_code_cell(f"import json\nprint(json.dumps({numbers.get(name)}))")
        whole.cells += [*book.cells, ask, nbformat.v4.new_code_cell(RESET)]
    client = NotebookClient(
        whole,
        resources={"metadata": {"path": str(FOLDER)}},
        kernel_name="python3",
        record_timing=False,
        timeout=300,
        startup_timeout=300,
        config=Config({"KernelManager": {"transport": "ipc", "ip": str(folder / "socket")}}),
    )
    client.execute(env=os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder)})
    answers = [cell.outputs[0].text for cell in whole.cells if cell.source.startswith("import json\nprint")]
    for book in books.values():
        tidy(book)
    return books, {name: json.loads(text) for name, text in zip(books, answers, strict=True)}


def tidy(book: Any) -> None:
    """Leaves of each output its text or its picture."""
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.execution_count = None
            for output in cell.outputs:
                output.pop("execution_count", None)
                if "data" in output:
                    kind = next(kind for kind in reversed(SHOWN) if kind in output.data)
                    output.data = {kind: output.data[kind] if kind == "text/plain" else smaller(output.data[kind])}
                    output.metadata = {}


def smaller(picture: str) -> str:
    """A third of the bytes: there are few colours in a plot."""
    with Image.open(BytesIO(b64decode(picture))) as image, BytesIO() as file:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(file, "png", optimize=True)
        return b64encode(file.getvalue()).decode()


if __name__ == "__main__":
    with TemporaryDirectory(dir="/tmp") as temporary:
        for name, book in run(Path(temporary), {})[0].items():
            nbformat.write(book, path(name))
