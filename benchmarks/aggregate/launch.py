"""Starts a command, waits for it and writes what it used to a file; imported by nothing.

A process of its own, and a small one: the system counts the memory of whoever starts a program to the program's peak.
"""

import json
import os
import sys
import time


def main(result: str, command: list[str]) -> None:
    began = time.perf_counter()
    _, status, usage = os.wait4(os.posix_spawn(command[0], command, os.environ), 0)
    wall = time.perf_counter() - began
    used = {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss * 1024}
    with open(result, "w", encoding="ascii") as file:
        json.dump({**used, "status": os.waitstatus_to_exitcode(status)}, file)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
