"""The commands that bring metrics.prom to Prometheus."""

import ipaddress
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from aggregator.errors import UsageError

from .options import EXIT_CODES, Output, explained, folder, output

AuthFile = Annotated[
    str | None,
    typer.Option("--auth-file", metavar="FILE", help="Lines user:password; others must not be able to read it."),
]


@explained
def serve_command(
    directory: Output,
    host: Annotated[
        str,
        typer.Option(
            "--host", metavar="HOST", help="Where to listen; default 127.0.0.1; 0.0.0.0 or :: for everywhere."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="Default 9464; 0 takes one that is free.")
    ] = 9464,
    path: Annotated[
        str,
        typer.Option(
            "--path", metavar="PATH", help="Where the metrics are, default /metrics; /healthz says how the job is."
        ),
    ] = "/metrics",
    stale_after: Annotated[
        str | None,
        typer.Option(
            "--stale-after", metavar="SPAN", help="/healthz fails when the last run is older: 15min, 36h, 2d."
        ),
    ] = None,
    auth_file: AuthFile = None,
    tls_cert: Annotated[
        str | None, typer.Option("--tls-cert", metavar="FILE", help="Serve https with this certificate, in PEM.")
    ] = None,
    tls_key: Annotated[
        str | None, typer.Option("--tls-key", metavar="FILE", help="Its key, where that is another file.")
    ] = None,
    client_ca: Annotated[
        str | None,
        typer.Option("--client-ca", metavar="FILE", help="Let only those in who show a certificate signed by these."),
    ] = None,
) -> None:
    """Serve metrics.prom to be scraped, as Prometheus text or as OpenMetrics, whichever is asked for.

    DIR may be a URL, too. Nothing else of it can be reached. Certificates and users may be replaced while it runs.
    Ends with 0 on SIGTERM and SIGINT.
    """
    target = output(directory, "DIR")
    if not path.startswith("/") or path == "/healthz" or set(path) & set("?# "):
        raise UsageError(f"--path is {path!r}; expected a path such as /metrics, and not /healthz")
    if tls_cert is None and (tls_key or client_ca):
        raise UsageError("--tls-key and --client-ca need --tls-cert")
    from aggregator.serving import credentials
    from aggregator.serving.output import Output as Served
    from aggregator.serving.server import Server
    from aggregator.serving.site import Site
    from aggregator.spans import parse_span

    auth, cert = _file(auth_file, "--auth-file"), _file(tls_cert, "--tls-cert")
    key, ca = _file(tls_key, "--tls-key"), _file(client_ca, "--client-ca")
    users = credentials.Kept(partial(credentials.users, auth), [auth], _warn) if auth else None
    tls = credentials.Kept(partial(credentials.tls, cert, key, ca), [cert, key, ca], _warn) if cert else None
    span = parse_span(stale_after, "--stale-after") if stale_after is not None else None
    if isinstance(target, Path) and not target.is_dir():
        _warn(f"{target}: no such folder yet; the first run of logemit aggregate --out {target} makes it")
    served = Served(target)
    with Server(host, port, Site(served, path, _warn, span, users), tls) as server:
        address = f"[{host}]" if ":" in host else host
        _warn_of(server.address, has_users=users is not None, has_tls=tls is not None, has_ca=ca is not None)
        typer.echo(f"serving {served.shown} at http{'s' if tls else ''}://{address}:{server.port}{path}")
        server.run()


def _file(name: str | None, option: str) -> Path | None:
    return None if name is None else folder(name, option, "a file")


def _warn(text: str) -> None:
    typer.echo(f"logemit: {text}", err=True)


def _warn_of(address: str, *, has_users: bool, has_tls: bool, has_ca: bool) -> None:
    if ipaddress.ip_address(address.partition("%")[0]).is_loopback:
        return
    if not has_users and not has_ca:
        _warn(f"whoever reaches {address} can read the metrics; think of --auth-file, --client-ca or a firewall")
    elif not has_tls:
        _warn(f"passwords go to {address} in the clear; think of --tls-cert, or a proxy that speaks TLS")


@explained
def push_command(
    directory: Output,
    url: Annotated[str, typer.Argument(metavar="URL", help="The Pushgateway: http://host:9091.", show_default=False)],
    job: Annotated[str, typer.Option("--job", metavar="NAME", help="The label job of all that is pushed.")],
    grouping: Annotated[
        list[str] | None,
        typer.Option("--grouping", metavar="NAME=VALUE", help="One more label of the group; as many as you like."),
    ] = None,
    auth_file: AuthFile = None,
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="SPAN", help="For all three attempts together; default 30s.")
    ] = "30s",
) -> None:
    """Push metrics.prom to a Pushgateway, in place of what was pushed for the same job and grouping before.

    For a job whose output nobody can scrape. Run it after each logemit aggregate.
    """
    target = output(directory, "DIR")
    from aggregator.serving import credentials
    from aggregator.serving.output import Output as Pushed
    from aggregator.serving.push import group_url, push
    from aggregator.spans import parse_span

    labels = _labels(grouping or [])
    place = group_url(url, job, labels)
    authorization = ""
    if auth_file is not None:
        users = credentials.users(folder(auth_file, "--auth-file", "a file"))
        if len(users) != 1:
            raise UsageError(f"{auth_file}: holds {len(users)} users, expected the one to push as")
        authorization = credentials.basic(*next(iter(users.items())))
    size = push(
        Pushed(target), place, {"job": job, **labels}, parse_span(timeout, "--timeout"), authorization, warn=_warn
    )
    typer.echo(f"pushed {size:,} bytes to {place}")


def _labels(grouping: list[str]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for each in grouping:
        name, equals, value = each.partition("=")
        if not equals or name in labels:
            raise UsageError(f"--grouping {each}: expected NAME=VALUE, each name once")
        labels[name] = value
    return labels


def register(app: typer.Typer) -> None:
    """Add these commands to the app."""
    commands: dict[str, Callable[..., None]] = {"serve": serve_command, "push": push_command}
    for name, command in commands.items():
        app.command(name=name, epilog=EXIT_CODES)(command)
