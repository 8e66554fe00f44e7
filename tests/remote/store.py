"""The server as the tests see it: what is put there and what was asked of it, without fsspec."""

import json
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.conftest import ROOT, needed
from tests.services import free_port, running

from .server import CHANGES, KEY

SECRET = "very-secret"


@dataclass
class S3:
    """A bucket of its own, `logs`, in a server that other tests use too."""

    endpoint: str
    client: Any
    bucket: str = "logs"

    def changes(self) -> int:
        """Requests that changed something."""
        return sum(each["method"] in CHANGES for each in self.requests)

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=data)

    def url(self, key: str = "") -> str:
        return f"s3://{self.bucket}/{key}"

    def objects(self, prefix: str = "") -> dict[str, bytes]:
        """Content by key."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        keys = [found["Key"] for page in pages for found in page.get("Contents", ())]
        return {key: self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys}

    def clear(self) -> None:
        self.plan()
        for key in self.objects():
            self.client.delete_object(Bucket=self.bucket, Key=key)
        self.forget()

    def plan(self, **what: Any) -> None:
        self._ask("POST", "plan", json.dumps(what).encode())

    def forget(self) -> None:
        self._ask("DELETE", "requests")

    @property
    def requests(self) -> list[dict[str, Any]]:
        """Since they were forgotten."""
        found: list[dict[str, Any]] = self._ask("GET", "requests")
        return found

    @property
    def opened(self) -> list[str]:
        """Keys of which something was read."""
        gets = [each["path"] for each in self.requests if each["method"] == "GET"]
        start = f"/{self.bucket}/"
        return sorted({path.removeprefix(start) for path in gets if path.startswith(start) and path != start})

    @property
    def listed(self) -> list[str]:
        """The prefixes that were listed."""
        asked = [urllib.parse.parse_qs(each["query"]) for each in self.requests if each["method"] == "GET"]
        return [query.get("prefix", [""])[0] for query in asked if "list-type" in query]

    @property
    def variables(self) -> Mapping[str, str]:
        """What tells the libraries where it is, and who asks."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "2",
            "FSSPEC_S3": json.dumps({"config_kwargs": {"read_timeout": 600}}),  # a request may be held
        }

    def _ask(self, method: str, what: str, body: bytes | None = None) -> Any:
        request = urllib.request.Request(f"{self.endpoint}/-/{what}", body, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


@contextmanager
def s3_server(folder: Path) -> Iterator[S3]:
    for module in ("moto", "s3fs"):
        needed(find_spec(module) is not None, f"{module} is missing; install the extra `test`")
    import boto3

    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    client = boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="us-east-1"
    )
    store = S3(endpoint, client)
    command = [sys.executable, "-W", "ignore", "-m", "tests.remote.server", str(port)]
    with running(command, folder / "s3.log", lambda: _answers(store), cwd=ROOT):
        client.create_bucket(Bucket=store.bucket)
        yield store


def _answers(store: S3) -> bool:
    try:
        store.forget()
    except OSError:
        return False
    return True
