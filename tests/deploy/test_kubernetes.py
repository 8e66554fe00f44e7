"""deploy/kubernetes: held against Kubernetes' schemas, each name in it against what it names. No cluster is here."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from importlib.util import find_spec
from typing import Any

import kubernetes_validate
import pytest
import yaml

from aggregator.doubts import examine
from aggregator.errors import LockedError
from tests.command.calls import logemit
from tests.conftest import ROOT, needed, tool
from tests.remote.store import S3

from .conftest import LOG, Machine, counted, events_in
from .files import DEPLOY, containers, document, documents, pod_of

FOLDER = DEPLOY / "kubernetes"
VERSIONS = ["1.33", kubernetes_validate.latest_version()]
Resource = dict[str, Any]


def resources(folder: str) -> list[Resource]:
    """What `kubectl apply --kustomize` would send, as far as names are not changed by it."""
    kustomization = document(f"kubernetes/{folder}/kustomization.yaml")
    found: list[Resource] = []
    for each in kustomization["resources"]:
        path = (FOLDER / folder / each).resolve()
        found += resources(path.name) if path.is_dir() else documents(str(path.relative_to(DEPLOY)))
    for generated in kustomization.get("configMapGenerator", []):
        data = {name: (FOLDER / folder / name).read_text() for name in generated["files"]}
        found.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generated["name"]}, "data": data})
    for patch in kustomization.get("patches", []):
        (change,) = documents(f"kubernetes/{folder}/{patch['path']}")
        (at,) = (i for i, each in enumerate(found) if key(each) == key(change))
        found[at] = merged(found[at], change)
    return found


def key(resource: Resource) -> tuple[str, str]:
    return resource["kind"], resource["metadata"]["name"]


def merged(old: Any, new: Any) -> Any:
    """As a strategic merge: in lists, things with names go by these, mounts by their paths; others are replaced."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{name: merged(old.get(name), value) for name, value in new.items()}}
    if isinstance(old, list) and all(isinstance(each, dict) for each in [*old, *new]):
        by = "mountPath" if "mountPath" in new[0] else "name"
        named = {each[by]: each for each in old}
        return list({**named, **{each[by]: merged(named.get(each[by]), each) for each in new}}.values())
    return deepcopy(new)


def of_kind(folder: str, kind: str) -> Resource:
    (found,) = (each for each in resources(folder) if each["kind"] == kind)
    return found


every_folder = pytest.mark.parametrize("folder", ["bucket", "node", "cluster"])


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_schemas_take_it(version: str) -> None:
    bucket = resources("bucket")
    others = [*resources("node"), *resources("cluster")]
    for resource in [*bucket, *(each for each in others if each not in bucket)]:
        kubernetes_validate.validate(resource, version, strict=True)


def test_kubernetes_schemas_refuse_a_slip() -> None:
    job = of_kind("bucket", "CronJob")
    job["spec"]["concurrencypolicy"] = job["spec"].pop("concurrencyPolicy")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(job, VERSIONS[-1], strict=True)


@every_folder
def test_kustomize_makes_the_same_of_it(folder: str) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is no package of Debian's")
    done = subprocess.run([kubectl, "kustomize", FOLDER / folder], capture_output=True, text=True, check=True)
    made = {
        key(each): each
        for each in yaml.safe_load_all(re.sub(r"(name: logemit)-\w{10}$", r"\1", done.stdout, flags=re.MULTILINE))
    }
    ours = {key(each): each for each in resources(folder)}
    assert set(made) == set(ours)
    for name in (name for name in ours if name[0] in ("CronJob", "Deployment")):
        assert sorted_pod(made[name], "logemit:0.1.0") == sorted_pod(ours[name], "logemit:0.1.0")


def sorted_pod(workload: Resource, image: str) -> Resource:
    """With lists of names in the order of these, as a merge may give another, and with the image that is meant."""
    pod = json.loads(json.dumps(pod_of(workload)))
    pod["volumes"].sort(key=lambda each: each["name"])
    for container in pod["containers"]:
        container["image"] = image
        container["volumeMounts"].sort(key=lambda each: each["mountPath"])
    return dict(pod)


def workloads(folder: str) -> Iterator[Resource]:
    return (each for each in resources(folder) if each["kind"] in ("CronJob", "Deployment"))


@every_folder
def test_what_pods_mount_and_are_is_there(folder: str) -> None:
    names = {kind: {each["metadata"]["name"] for each in resources(folder) if each["kind"] == kind}
             for kind in ("ConfigMap", "PersistentVolumeClaim", "ServiceAccount")}  # fmt: skip
    for workload in workloads(folder):
        pod = pod_of(workload)
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        for container in pod["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
        for volume in volumes.values():
            assert volume.get("configMap", {"name": "logemit"})["name"] in names["ConfigMap"]
            claim = volume.get("persistentVolumeClaim", {"claimName": "logemit"})
            assert claim["claimName"] in names["PersistentVolumeClaim"]
        assert pod.get("serviceAccountName", "logemit") in names["ServiceAccount"]


@every_folder
def test_pods_may_do_little(folder: str) -> None:
    for workload in workloads(folder):
        pod = pod_of(workload)
        reads_the_node = folder == "node" and workload["kind"] == "CronJob"
        assert pod["securityContext"]["runAsNonRoot"] is not reads_the_node
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            allowed = container["securityContext"]
            assert allowed["allowPrivilegeEscalation"] is False
            assert allowed["readOnlyRootFilesystem"] is True
            assert allowed["capabilities"] == {"drop": ["ALL"]}
            assert {"requests", "limits"} <= set(container["resources"])
        folders = [volume["hostPath"] for volume in pod["volumes"] if "hostPath" in volume]
        assert bool(folders) is reads_the_node
        for container in pod["containers"]:
            assert all(
                mount.get("readOnly") for mount in container["volumeMounts"] if mount["mountPath"].startswith("/var")
            )


def test_one_run_at_a_time_and_none_is_tried_again_but_one_that_found_another() -> None:
    spec = of_kind("bucket", "CronJob")["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    job = spec["jobTemplate"]["spec"]
    assert job["backoffLimit"] == 0
    (rule,) = job["podFailurePolicy"]["rules"]
    assert rule["onExitCodes"]["values"] == [LockedError.exit_code]
    assert [rule["onExitCodes"]["containerName"]] == [
        each["name"] for each in pod_of(of_kind("bucket", "CronJob"))["containers"]
    ]


def test_a_volume_of_one_node_is_mounted_on_one_node() -> None:
    assert of_kind("bucket", "PersistentVolumeClaim")["spec"]["accessModes"] == ["ReadWriteOnce"]
    (term,) = pod_of(of_kind("bucket", "CronJob"))["affinity"]["podAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    labels = of_kind("bucket", "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert term["labelSelector"]["matchLabels"] == labels


def test_selectors_and_ports_meet() -> None:
    deployment, service = of_kind("bucket", "Deployment"), of_kind("bucket", "Service")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    (container,) = containers(deployment)
    (port,) = container["ports"]
    arguments = container["args"]
    assert arguments[arguments.index("--port") + 1] == str(port["containerPort"])
    assert deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"] == labels
    assert of_kind("bucket", "NetworkPolicy")["spec"]["podSelector"]["matchLabels"] == labels
    (offered,) = service["spec"]["ports"]
    assert (offered["targetPort"], offered["port"]) == (port["name"], port["containerPort"])
    assert service["metadata"]["annotations"]["prometheus.io/port"] == str(offered["port"])
    (monitor,) = documents("kubernetes/bucket/servicemonitor.yaml")
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] == offered["name"]
    assert monitor["spec"]["selector"]["matchLabels"] == service["metadata"]["labels"]
    assert (out := arguments[1]) in containers(of_kind("bucket", "CronJob"))[0]["args"]
    assert out == "/data/metrics"


def test_who_reads_finds_the_scheduler_and_nobody_else_does() -> None:
    found = {key(each): each for each in resources("cluster")}
    scheduler, worker = found["Deployment", "logemit-scheduler"], found["Deployment", "logemit-worker"]
    service, policy = found["Service", "logemit-scheduler"], found["NetworkPolicy", "logemit-cluster"]["spec"]
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in (scheduler, worker)]
    driver = found["CronJob", "logemit"]["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
    assert [each["spec"]["selector"]["matchLabels"] for each in (scheduler, worker)] == labels
    assert service["spec"]["selector"] == labels[0]
    (offered,), (port,) = service["spec"]["ports"], containers(scheduler)[0]["ports"]
    assert offered["targetPort"] == port["name"]
    address = f"tcp://{service['metadata']['name']}:{offered['port']}"
    arguments = [containers(each)[0]["args"] for each in (found["CronJob", "logemit"], scheduler, worker)]
    assert arguments[0][arguments[0].index("--scheduler") + 1] == arguments[2][1] == address
    assert arguments[1][arguments[1].index("--port") + 1] == str(port["containerPort"])
    names = [next(iter(each.values())) for each in (*labels, driver)]
    (within,) = policy["podSelector"]["matchExpressions"]
    ((who,),) = (each["podSelector"]["matchExpressions"] for rule in policy["ingress"] for each in rule["from"])
    assert (within["values"], who["values"]) == (names[:2], names)


def test_dask_understands_its_arguments() -> None:
    needed(find_spec("distributed") is not None, "distributed is missing; install the extra `test`")
    from distributed.cli import dask_scheduler, dask_worker

    commands = {"scheduler": dask_scheduler.main, "worker": dask_worker.main}
    for workload in workloads("cluster"):
        (container,) = containers(workload)
        if container.get("command") == ["dask"]:
            name, *arguments = container["args"]
            commands.pop(name).make_context(name, arguments)
    assert not commands


def test_the_operator_s_label_service_does_not_take_the_place_of_ours() -> None:
    (monitor,) = documents("kubernetes/bucket/servicemonitor.yaml")
    assert [endpoint["honorLabels"] for endpoint in monitor["spec"]["endpoints"]] == [True]


def test_a_probe_that_fails_when_runs_are_late_would_hide_the_numbers_that_tell() -> None:
    (container,) = containers(of_kind("bucket", "Deployment"))
    assert "--stale-after" not in container["args"]


def test_logemit_toml_is_right() -> None:
    found = examine(FOLDER / "bucket/logemit.toml")
    assert (found.problems, found.doubts, found.metrics) == ((), (), 1)


def calling(machine: Machine, folder: str) -> list[str]:
    """The CronJob's arguments, with the paths of this machine."""
    (container,) = containers(of_kind(folder, "CronJob"))
    (machine.root / "data").mkdir()
    places = {"/data": machine.root / "data", "/etc/logemit": FOLDER / "bucket", "/var/log": machine.root / "var/log"}
    arguments = list(container["args"])
    for place, here in places.items():
        arguments = [re.sub(rf"^{place}/", f"{here}/", word) for word in arguments]
    return arguments


def test_the_job_reads_a_bucket(machine: Machine, s3: S3) -> None:
    s3.put("app/2026/11/20/13/web-1", LOG.read_bytes())
    done = logemit(*calling(machine, "bucket"))
    assert (done.returncode, done.stderr) == (0, "")
    assert counted(machine.root / "data/metrics") == events_in(LOG.read_bytes())


def test_the_job_reads_the_logs_of_a_node(machine: Machine) -> None:
    """As containerd and the kubelet lay them out: a link to the log, which is rotated beside itself."""
    recorded = next((ROOT / "sample_logs/envelopes/containerd").glob("stdout.log.gz"))
    unpacked = subprocess.run([tool("gzip", "gzip"), "-dc", recorded], capture_output=True, check=True).stdout
    lines = unpacked.splitlines(keepends=True)[:400]
    pod = machine.root / "var/log/pods/shop_web-5d8f_0c1a/web"
    links = machine.root / "var/log/containers"
    pod.mkdir(parents=True)
    links.mkdir()
    (pod / "0.log").write_bytes(b"".join(lines[:200]))
    (links / "web-5d8f_shop_web-3f2e.log").symlink_to(pod / "0.log")
    (links / "other-1_kube-system_other-1.log").write_bytes(b"not read\n")
    arguments = calling(machine, "node")
    assert logemit(*arguments).returncode == 0
    with open(pod / "0.log", "ab") as log:
        log.writelines(lines[200:300])
    (pod / "0.log").rename(pod / "0.log.20261121-082516")
    (pod / "0.log").write_bytes(b"".join(lines[300:]))
    done = logemit(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    text = (machine.root / "data/metrics/metrics.prom").read_text()
    assert counted(machine.root / "data/metrics") == sum(b'{"logemit":1,' in line for line in lines)
    assert "logemit_source_gaps_total 0.0" in text
