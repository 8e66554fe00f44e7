"""What to do by hand about uses of prometheus_client that have no counterpart."""

READ_IN_TEST = (
    "run what is tested within logemit.testing.capture_events, and look for its line: "
    'assert_event(events, "measurement", name="shop_orders")'
)
KEPT_VALUE = "do without it, or keep that instrument as it is: logemit's hold no values that could be read"
UNNEEDED = "take it out: no process shows metrics any more"
COMMAND = (
    "take the command out, and what runs it: its lines are on stdout, and the job adds them up",
    "the command is there to push or serve metrics, and other things may depend on it",
)
DERIVED = (
    "set gauges of logemit where the numbers change, or in a command that runs on a schedule",
    "a collector is asked whenever somebody scrapes, which nobody does any more",
)
_SERVER = (
    "take it out, and its port in the scrape configuration: no process serves metrics any more",
    "it serves metrics on a port of its own, which something may scrape",
)
_WORKER = (
    "take it out, and its port in the scrape configuration: logemit writes the lines of workers like all others",
    "it serves the metrics of a Celery worker on a port of its own, which something may scrape",
)
_PUSH = (
    "take it out: the lines of a command or task are there when it ends, and the job adds them up",
    "it hands metrics to a gateway, and dashboards may look for its job label",
)
_REGISTRY = (
    "take it out once no instrument is in it and nothing shows it",
    "registries have no counterpart: names are the service's, and something here still refers to this one",
)
_EXPOSITION = (
    "take it out: metrics.prom of `logemit aggregate` has what it shows",
    "it makes the text of metrics outside of a view, and what becomes of that cannot be told",
)
_COLLECTOR = (
    "take it out once nothing shows metrics in a process any more",
    "it changes what processes show about themselves, and something may still show it",
)
_PROCESSES = (
    "take it out with the multiprocess directory: the job adds up the lines of all processes",
    "it belongs to prometheus_client's files of several processes",
)
_FAMILY = (DERIVED[0], "a family made by hand has no counterpart")
_OTHER = ("do without it, or keep prometheus_client for it", "it has no counterpart that is known to do the same")

_BY_NAME = {
    "start_http_server": _SERVER,
    "start_wsgi_server": _SERVER,
    "make_wsgi_app": _SERVER,
    "make_asgi_app": _SERVER,
    "MetricsHandler": _SERVER,
    "push_to_gateway": _PUSH,
    "pushadd_to_gateway": _PUSH,
    "delete_from_gateway": _PUSH,
    "instance_ip_grouping_key": _PUSH,
    "write_to_textfile": _EXPOSITION,
    "generate_latest": _EXPOSITION,
    "CONTENT_TYPE_LATEST": _EXPOSITION,
    "CollectorRegistry": _REGISTRY,
    "REGISTRY": _REGISTRY,
    "GC_COLLECTOR": _COLLECTOR,
    "PLATFORM_COLLECTOR": _COLLECTOR,
    "PROCESS_COLLECTOR": _COLLECTOR,
    "disable_created_metrics": _COLLECTOR,
    "enable_created_metrics": _COLLECTOR,
    "mark_process_dead": _PROCESSES,
    "MultiProcessCollector": _PROCESSES,
    "multiprocess": _PROCESSES,
}


def advice_on(name: str, in_worker: bool) -> tuple[str, str]:
    """What to do, and why it is not done: of a name of prometheus_client, such as REGISTRY.unregister."""
    parts = name.split(".")
    found = next((_BY_NAME[part] for part in reversed(parts) if part in _BY_NAME), None)
    if found is None:
        return _FAMILY if name.endswith("MetricFamily") else _OTHER
    return _WORKER if found is _SERVER and in_worker else found
