"""`logemit aggregate` as a Spark job: spark-submit examples/spark/aggregate.py SOURCE… --out FOLDER_OR_URL."""

import argparse
import sys
from pathlib import Path

from pyspark.sql import SparkSession

from aggregator import aggregate, config, on_spark
from aggregator.errors import LogemitError


def main() -> None:
    parser = argparse.ArgumentParser(description="Aggregate logs with the executors of a Spark session.")
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="files, folders, globs or URLs")
    parser.add_argument("--out", required=True, help="a folder, or a URL")
    parser.add_argument("--config", type=Path, help="logemit.toml")
    parser.add_argument("--tasks", type=int, help="at once; give it where executors come as they are needed")
    given = parser.parse_args()
    spark = SparkSession.builder.appName("logemit").getOrCreate()
    try:
        settings = config.load(given.config)
        report = aggregate(given.sources, given.out, settings, cluster=lambda: on_spark(spark, given.tasks))
    except LogemitError as exc:
        print(f"logemit: {exc}", file=sys.stderr)
        sys.exit(exc.exit_code)
    finally:
        spark.stop()
    print(f"{report.events:,} events in {report.seconds:.1f} s")


if __name__ == "__main__":
    main()
