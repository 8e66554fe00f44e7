"""deploy/lambda: the template held against CloudFormation's schemas, the function called, against a server of S3."""

import importlib.util
import json
import re
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from aggregator.errors import InputError, LockedError
from tests.conftest import ROOT
from tests.remote.store import S3

from .conftest import events_of
from .files import DEPLOY, document, instructions

TEMPLATE = document("lambda/template.yaml")
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
FUNCTION = RESOURCES["Aggregate"]["Properties"]
BUCKETS = {"LogsBucket": "logs", "MetricsBucket": "metrics"}
DELIVERED = ROOT / "sample_logs/envelopes/cloudwatch-firehose"
MEMBERS = 3
"""Of its gzip members: enough to see more than one glued."""

Handler = Callable[[object, object], None]


def filled_in(value: Any) -> str:
    """What CloudFormation makes of !Sub and !GetAtt, with ARNs as S3 has them."""
    text = value["Fn::Sub"] if "Fn::Sub" in value else f"${{{value['Fn::GetAtt']}}}"
    for name, bucket in BUCKETS.items():
        text = text.replace(f"${{{name}.Arn}}", f"arn:aws:s3:::{bucket}").replace(f"${{{name}}}", bucket)
    return str(text)


def load_handler() -> Handler:
    """The function that the image names."""
    (command,) = (rest for word, rest in instructions(DEPLOY / "lambda/Dockerfile") if word == "CMD")
    module, _, name = json.loads(command)[0].partition(".")
    spec = importlib.util.spec_from_file_location("deployed", DEPLOY / f"lambda/{module}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    found: Handler = getattr(loaded, name)
    return found


@pytest.fixture
def handler(s3: S3, monkeypatch: pytest.MonkeyPatch) -> Handler:
    """With the function's environment, where its bucket is."""
    s3.client.create_bucket(Bucket="metrics")
    set_variables(monkeypatch)
    return load_handler()


def set_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in FUNCTION["Environment"]["Variables"].items():
        monkeypatch.setenv(name, filled_in(value))


def delivered() -> tuple[str, bytes, int]:
    """An object's name, what is in it, and how many different events that is."""
    (path,) = (path for path in DELIVERED.iterdir() if path.suffix not in (".md", ".toml"))
    data, numbers = path.read_bytes(), set()
    rest = data
    for _ in range(MEMBERS):
        unpacker = zlib.decompressobj(31)
        messages = [each["message"] for each in json.loads(unpacker.decompress(rest))["logEvents"]]
        events = [json.loads(message) for message in messages if message.startswith('{"logemit":1,')]
        numbers |= {(event["proc"], event["seq"]) for event in events}
        rest = unpacker.unused_data
    return path.name, data[: len(data) - len(rest)], len(numbers)


class Runs(NamedTuple):
    events: int
    """That were delivered."""
    told: list[dict[str, Any]]
    requests: list[dict[str, str]]
    text: str
    """metrics.prom, at last."""


@pytest.fixture(scope="module")
def runs(s3_of_all: S3) -> Runs:
    """Two, with an object delivered before each."""
    name, data, events = delivered()
    told, requests = [], []
    s3_of_all.clear()
    s3_of_all.client.create_bucket(Bucket="metrics")
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in s3_of_all.variables.items():
            patch.setenv(variable, value)
        set_variables(patch)
        handler = load_handler()
        for hour in ("08", "09"):
            s3_of_all.put(f"app/{datetime.now(UTC):%Y/%m/%d}/{hour}/{name}", data)
            s3_of_all.forget()
            with redirect_stdout(StringIO()) as printed:
                handler({"source": "aws.scheduler"}, None)
            told.append(json.loads(printed.getvalue()))
            requests += s3_of_all.requests
    body = s3_of_all.client.get_object(Bucket="metrics", Key="metrics/metrics.prom")["Body"].read()
    return Runs(events, told, requests, body.decode())


def test_what_firehose_delivers_is_counted_once(runs: Runs) -> None:
    """The same events again, in another object, are no more."""
    assert [each["events"] for each in runs.told] == [runs.events, 0]
    assert events_of(runs.text) == runs.events > 0


def test_the_function_may_do_what_it_does_and_nothing_more(runs: Runs) -> None:
    used = {each for request in runs.requests for each in asked(request)}
    granted = list(grants())
    refused = [
        (action, what)
        for action, what in used
        if not any(action in actions and re.fullmatch(pattern, what) for actions, pattern in granted)
    ]
    assert refused == []
    # Large files go up in parts, and what is left of an upload that failed is given up: not met here.
    unused = {"s3:AbortMultipartUpload"}
    for actions, pattern in granted:
        met = {action for action, what in used if re.fullmatch(pattern, what)}
        assert set(actions) - unused <= met


def grants() -> Iterator[tuple[list[str], str]]:
    """Actions, and a pattern of buckets with keys, or with the prefixes that may be listed."""
    (policy,) = FUNCTION["Policies"]
    for statement in policy["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        resource = filled_in(statement["Resource"]).removeprefix("arn:aws:s3:::")
        prefix = statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix")
        yield actions, re.escape(f"{resource}/{prefix}" if prefix else resource).replace(r"\*", ".*")


def asked(request: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The actions that S3 wants allowed for a request, each with what it is done to."""
    path, method = request["path"].strip("/"), request["method"]
    if "/" not in path and method == "POST":
        yield "s3:DeleteObject", f"{path}/metrics/"
    elif "/" not in path:
        assert method in ("GET", "HEAD"), request
        found = re.search(r"(?:^|&)prefix=([^&]*)", request["query"])
        yield "s3:ListBucket", f"{path}/{found[1].replace('%2F', '/') if found else ''}"
    elif method == "COPY":
        yield from (("s3:GetObject", path), ("s3:PutObject", path))
    else:
        yield (
            {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "DELETE": "s3:DeleteObject"}.get(method, "s3:PutObject"),
            path,
        )


def test_a_run_beside_another_is_no_failure(
    handler: Handler, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def locked(*_: object) -> None:
        raise LockedError("another run committed meanwhile")

    monkeypatch.setitem(handler.__globals__, "aggregate", locked)
    handler({}, None)
    assert capsys.readouterr().out == "another run committed meanwhile\n"


def test_anything_else_is_a_failure(s3: S3, handler: Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE", "s3://nowhere/app/*")
    with pytest.raises(InputError):
        handler({}, None)


def test_cloudformation_s_schemas_take_it() -> None:
    command = [Path(sys.executable).with_name("cfn-lint"), DEPLOY / "lambda/template.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_function_reads_is_where_firehose_writes() -> None:
    delivery = RESOURCES["Delivery"]["Properties"]["ExtendedS3DestinationConfiguration"]
    source = filled_in(FUNCTION["Environment"]["Variables"]["SOURCE"])
    assert source == f"s3://logs/{delivery['Prefix']}{{YYYY}}/{{MM}}/{{DD}}/{{HH}}/*"
    assert delivery["BucketARN"] == {"Fn::GetAtt": "LogsBucket.Arn"}
    assert not delivery["ErrorOutputPrefix"].startswith(delivery["Prefix"])
    assert delivery["CompressionFormat"] == "UNCOMPRESSED"  # packed already, by the subscription


def test_sam_builds_the_image_that_is_there() -> None:
    metadata = RESOURCES["Aggregate"]["Metadata"]
    assert (DEPLOY / "lambda" / metadata["DockerContext"]).resolve() == ROOT
    assert Path(ROOT, metadata["Dockerfile"]) == DEPLOY / "lambda/Dockerfile"
    assert FUNCTION["ReservedConcurrentExecutions"] == 1


def test_the_state_stays_when_the_stack_goes() -> None:
    assert RESOURCES["MetricsBucket"]["DeletionPolicy"] == "Retain"
    assert RESOURCES["MetricsBucket"]["UpdateReplacePolicy"] == "Retain"
