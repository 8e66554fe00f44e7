"""What scrapes of django-prometheus say of orders, and what logemit's lines do, where processes come and go.

`python -m benchmarks.in_process` starts gunicorn, functions and a command on loopback ports, and prints the tables of
docs/leaving.md. It takes some minutes, most of them for a thousand processes.
"""

from typing import Annotated

import typer

from .page import PROCESSES, page

QUICK_PROCESSES = (2, 4)

app = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})


def _say(text: str) -> None:
    typer.echo(text, err=True)


@app.command(help=__doc__)
def main(
    quick: Annotated[bool, typer.Option("--quick", help="With few processes, to see that it runs.")] = False,
) -> None:
    typer.echo(page(_say, QUICK_PROCESSES if quick else PROCESSES), nl=False)


if __name__ == "__main__":
    app()
