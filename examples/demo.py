"""Turns the recorded sample logs into Parquet and Prometheus text, and shows what can be read from them."""

import shutil
import subprocess
import sys
from pathlib import Path

from aggregator import read

OUT = "demo-out"
PATTERN = "sample_logs/*/*.log*"
BIN = Path(sys.executable).parent
SHOWN = ("processes_live{", "logemit_events_lost_total ")
READS = {"operation": ["get", "get_many", "get_or_set"]}


def aggregate() -> None:
    """What a scheduled job would run."""
    logs = sorted(str(log) for log in Path().glob(PATTERN))
    if not logs:
        sys.exit(f"demo: no {PATTERN} here; run it from the folder that holds the Makefile")
    print(f"$ logemit aggregate {PATTERN} --out {OUT}", flush=True)
    done = subprocess.run([BIN / "logemit", "aggregate", *logs, "--out", OUT], check=False)
    if done.returncode:
        sys.exit(f"demo: logemit aggregate ended with {done.returncode}")


def show(summary: str, by: list[str]) -> None:
    """The busiest rows of a summary, with quantiles in milliseconds."""
    table = read(OUT, summary, by=by).sort_values("count", ascending=False).head(4)
    columns = {quantile: f"{quantile} ms" for quantile in ("p50", "p95", "p99")}
    table[list(columns)] *= 1000
    print(f'\n>>> aggregator.read("{OUT}", "{summary}", by={by})')
    formats = {"error_share": "{:.1%}".format} | dict.fromkeys(columns.values(), "{:.2f}".format)
    print(table[["count", "error_share", *columns]].rename(columns=columns).to_string(formatters=formats))


def show_cache_hits() -> None:
    reads = read(OUT, "cache_operations", by=["backend", "hit"], where=READS)["count"].unstack(fill_value=0)
    print("\nCache reads, and how many of them found something:")
    for backend, number in reads.iterrows():
        print(f"{backend:14}{number.sum():5}{number.get('true', 0) / number.sum():8.1%}")


def show_changed_rows() -> None:
    print("\nRows changed, by model:")
    changed = read(OUT, "model_changes", by=["model", "operation"])["count"]
    print(changed.unstack(fill_value=0).rename_axis(index=None, columns=None).to_string())


def main() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    aggregate()
    show("http_requests", ["view"])
    show("feed_polls", ["status"])
    show("tasks", ["name", "state"])
    show("db_queries", ["operation"])
    show_cache_hits()
    show_changed_rows()
    print(f"\nSome lines of {OUT}/metrics.prom:\n")
    for prefix in SHOWN:
        lines = Path(OUT, "metrics.prom").read_text().splitlines()
        print(*[line for line in lines if line.startswith(prefix)][:3], sep="\n")
    print(f"\nParquet     {OUT}/<summary>/, for pandas, DuckDB and what else reads it")
    print(f"Prometheus  {OUT}/metrics.prom, for node_exporter or any web server")
    print("\nTry next, for what the slowest views are, and much else:\n")
    print(f"  {BIN}/logemit show {OUT}")
    print(f"\nin {BIN}/python:\n")
    print(f'  import pandas; pandas.read_parquet("{OUT}/http_requests")')
    print("\nand with a log of your own in place of this one:\n")
    print(f"  {BIN}/logemit check sample_logs/gunicorn/stdout.log")


if __name__ == "__main__":
    main()
