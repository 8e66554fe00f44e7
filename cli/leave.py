"""`logemit audit` and `logemit migrate`: a project's traces of django-prometheus, and the way out in stages."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.errors import UsageError

from .leaving.traces import Stage
from .options import EXIT_CODES, AsJson, explained, folder

if TYPE_CHECKING:
    from .leaving.project import Project

ProjectFolder = Annotated[str, typer.Argument(metavar="PATH", help="The folder of a Django project.")]
Excluded = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="GLOB", help="Leave these files out: CHANGELOG.md, 'docs/**'. May be repeated."),
]
TRACES_LEFT = 1


@explained
def audit_command(
    path: ProjectFolder = ".",
    promql: Annotated[
        list[str] | None,
        typer.Option(
            "--promql",
            metavar="FILE",
            help="Also look through rules, alerts (.yml), Grafana dashboards (.json) or .promql for what changes. "
            "May be repeated.",
        ),
    ] = None,
    interval: Annotated[
        str, typer.Option("--interval", metavar="SPAN", help="With --promql: the time between runs of the job.")
    ] = "5min",
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Show each metric that is found, and what comes in its place.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="For CI: a line for each trace that is left, and nothing else.")
    ] = False,
    exclude: Excluded = None,
    as_json: AsJson = False,
) -> None:
    """List every trace of django-prometheus and prometheus_client in a project, and what becomes of its metrics.

    Reads the project's files and runs nothing of it. Exits with 1 where traces are left, or queries must change.
    """
    if verify and (metrics or as_json):
        raise UsageError("--verify prints what is left and nothing else; leave out --metrics and --json")
    from aggregator.spans import parse_interval

    from . import leave_output, progress
    from .leaving import audit
    from .leaving import promql as queries
    from .leaving.successors import successors

    seconds, of = parse_interval(interval), _project(path, exclude)
    with progress.shown(sys.stderr.isatty() and not as_json, "parsing", in_bytes=False) as tell:
        found = audit.audit(of, tell)
    in_place = successors(found, of.texts) if found.traces else []
    files = [folder(name, "--promql", "a file") for name in promql or ()]
    # Files of rules are shared, and may outlive what they ask for.
    findings = queries.scan(files, successors(found, of.texts, all_families=True), seconds)
    if verify:
        leave_output.verified(found, findings)
    else:
        leave_output.audited(found, in_place, findings, all_metrics=metrics, as_json=as_json)
    must = any(finding.must_change for finding in findings)
    raise typer.Exit(TRACES_LEFT if found.traces or must else 0)


@explained
def migrate_command(
    path: ProjectFolder = ".",
    diff: Annotated[
        bool, typer.Option("--diff", help="Show the changes, stage by stage; this is the default.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="Make the changes.")] = False,
    stage: Annotated[
        list[Stage] | None,
        typer.Option(
            "--stage",
            metavar="NAME",
            help="Only this one: models, code, middleware, urls, settings, dependencies, logemit. May be repeated.",
        ),
    ] = None,
    patches: Annotated[
        str | None,
        typer.Option("--patches", metavar="DIR", help="Write a patch for each stage there, to be applied in order."),
    ] = None,
    allow_dirty: Annotated[
        bool, typer.Option("--allow-dirty", help="Write also where git could not bring back what was there.")
    ] = False,
    exclude: Excluded = None,
    as_json: AsJson = False,
) -> None:
    """Take django-prometheus out of a project in stages, and put logemit in; the app works after each.

    What is not safe to change is left, and told with the reason. What is done already is not done again.
    """
    if sum((diff, write, patches is not None)) > 1:
        raise UsageError("--diff, --write and --patches are three forms; choose one")
    from . import leave_output, output, progress
    from .leaving import additions, audit, stages, writing

    found = _project(path, exclude)
    if write and not allow_dirty:
        writing.refuse_if_dirty(found.root)
    with progress.shown(sys.stderr.isatty() and not as_json, "parsing", in_bytes=False) as tell:
        before = audit.audit(found, tell).traces
    steps, changed = stages.migrate(found, [each for each in Stage if not stage or each in stage])
    if write:
        writing.write(changed)
    written = stages.write_patches(steps, folder(patches, "--patches")) if patches is not None else None
    left = audit.audit(changed).traces
    leave_output.migrated(steps, left, leave_output.Form(write, written), as_json=as_json)
    if before and steps[-1].stage is Stage.LOGEMIT and not additions.is_placed(changed):
        output.warn("no settings were found that list MIDDLEWARE; add logemit's two lines by hand: docs/django.md")


def _project(path: str, excluded: Sequence[str] | None) -> "Project":
    from .leaving.project import read

    return replace(read(folder(path, "PATH")), excluded=tuple(excluded or ()))


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command(name="audit", epilog=EXIT_CODES)(audit_command)
    app.command(name="migrate", epilog=EXIT_CODES)(migrate_command)
