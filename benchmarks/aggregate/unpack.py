"""Only unpacks a gzip file, with zlib or with isal, and says how long it took: the least that reading it can cost."""

import json
import sys
import time
import zlib
from pathlib import Path
from typing import Any

_PIECE = 1 << 20


def main(name: str, path: Path) -> None:
    library: Any = zlib
    if name == "isal":
        from isal import isal_zlib as library  # noqa: PLC0415
    began = time.perf_counter()
    unpacked, unpacker = 0, library.decompressobj(31)
    with path.open("rb") as file:
        while data := file.read(_PIECE):
            unpacked += len(unpacker.decompress(data))
    print(json.dumps({"seconds": round(time.perf_counter() - began, 4), "bytes": unpacked}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
