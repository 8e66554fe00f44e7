"""Images, compose, manifests, scripts, jobs, targets and documents: what is found there, and what is left of it."""

import json
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.leaving.traces import Kind, Stage

from ..scale import scaled
from .small import lines, project, traces, without_traces

DOCKERFILE = """\
FROM python:3.12
ENV PYTHONUNBUFFERED=1 \\
    PROMETHEUS_MULTIPROC_DIR=/tmp/prom \\
    A="b c"
ENV prometheus_multiproc_dir /tmp/prom
ARG PROMETHEUS_MULTIPROC_DIR
ENV PROMETHEUS_MULTIPROC_DIR=/tmp/prom B=2
RUN --mount=type=cache,target=/x pip install --no-cache-dir -i https://pypi.example/simple \\
    django \\
    # for the numbers
    "django-prometheus>=2" \\
    gunicorn
RUN pip install --upgrade django-prometheus prometheus_client
RUN pip install django && pip install prometheus-client==0.2 && rm -rf /root/.cache
RUN apt-get update && mkdir -p /tmp/prom && chmod 777 $PROMETHEUS_MULTIPROC_DIR && rm -rf /var/lib/apt
RUN mkdir -p $PROMETHEUS_MULTIPROC_DIR
RUN mkdir -p /tmp/prom /app/static
VOLUME /tmp/prom
EXPOSE 8000
EXPOSE 8001
HEALTHCHECK CMD curl -f http://localhost:8000/metrics || exit 1
CMD ["gunicorn", "shop.wsgi"]
"""
DOCKERFILE_AFTER = """\
FROM python:3.12
ENV PYTHONUNBUFFERED=1 \\
    A="b c"
ENV B=2
RUN --mount=type=cache,target=/x pip install --no-cache-dir -i https://pypi.example/simple \\
    django \\
    # for the numbers
    gunicorn
RUN pip install django && rm -rf /root/.cache
RUN apt-get update && rm -rf /var/lib/apt
RUN mkdir -p /app/static
EXPOSE 8000
EXPOSE 8001
HEALTHCHECK CMD curl -f http://localhost:8000/metrics || exit 1
CMD ["gunicorn", "shop.wsgi"]
"""


@pytest.mark.parametrize("name", ["Dockerfile", "deploy/web.Dockerfile", "Dockerfile.prod", "Containerfile"])
def test_images_keep_all_other_instructions(tmp_path: Path, name: str) -> None:
    settings = "PROMETHEUS_METRICS_EXPORT_PORT = 8001\n"
    found = project(tmp_path, {name: DOCKERFILE, "shop/settings.py": settings})
    assert without_traces(found)[name] == DOCKERFILE_AFTER
    left = [each for each in traces(found) if each.file == name and not each.edits and each.stage is not Stage.SETTINGS]
    assert [(each.line, each.stage) for each in left] == [(21, Stage.URLS)]
    assert [each.line for each in traces(found) if each.text == "EXPOSE 8001"] == [20]


@pytest.mark.parametrize(
    "text",
    [
        "RUN pip install django django-prometheus-extra\n",
        "RUN mkdir -p /tmp/other && rm -rf /tmp\n",
        "RUN pip install prometheus-fastapi-instrumentator\n",
        "ENV PROMETHEUS_URL=http://prometheus:9090\n",
        "HEALTHCHECK CMD curl http://localhost:9100/metrics\n",
        "HEALTHCHECK CMD curl http://node-exporter/metrics\n",
        "HEALTHCHECK CMD curl http://localhost:8000/metrics-of-others\n",
    ],
)
def test_an_image_with_nothing_of_it(tmp_path: Path, text: str) -> None:
    assert traces(project(tmp_path, {"Dockerfile": f"FROM x\nENV PROMETHEUS_MULTIPROC_DIR=/tmp\n{text}"}))[1:] == []


@pytest.mark.parametrize(
    "text",
    [
        "RUN pip install django-prometheus || echo none\n",
        "RUN test -d $PROMETHEUS_MULTIPROC_DIR || mkdir $PROMETHEUS_MULTIPROC_DIR\n",
        'CMD ["sh", "-c", "rm -rf $PROMETHEUS_MULTIPROC_DIR/* && gunicorn shop.wsgi"]\n',
        "ENTRYPOINT exec gunicorn --env X=$PROMETHEUS_MULTIPROC_DIR\n",
    ],
)
def test_what_is_woven_into_a_command_is_left(tmp_path: Path, text: str) -> None:
    """And the variable with it: without it `rm -rf $DIR/*` takes away the machine."""
    dockerfile = f"FROM x\nENV PROMETHEUS_MULTIPROC_DIR=/tmp/prom\n{text}"
    found = project(tmp_path, {"Dockerfile": dockerfile, ".env": "PROMETHEUS_MULTIPROC_DIR=/tmp/prom\n"})
    after = without_traces(found)
    assert text in after["Dockerfile"]
    kept = "PROMETHEUS_MULTIPROC_DIR=/tmp/prom\n"
    assert (kept in after["Dockerfile"], after[".env"] == kept) == ((True, True) if "$" in text else (False, False))
    assert 3 in [line for line, _, is_edited in lines(found, "Dockerfile") if not is_edited]


COMPOSE = """\
# the shop
x-env: &env
  DEBUG: "1"
  PROMETHEUS_MULTIPROC_DIR: /tmp/prom  # of the workers
services:
  web:
    build: .
    image: shop
    command: gunicorn shop.wsgi
    environment:
      <<: *env
      A: b
    volumes:
      - prom_data:/tmp/prom:rw
      - .:/app
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost:8000/metrics"]
    labels:
      - prometheus.io/scrape=true
      - com.example=1
    ports:
      - "8000:8000"
      - "8001:8001"
  worker:
    image: shop
    command: celery -A shop worker
    environment:
      - PROMETHEUS_MULTIPROC_DIR=${PROMETHEUS_MULTIPROC_DIR:-/tmp/prom}
    tmpfs:
      - /tmp/prom
  beat: {image: shop, environment: [A=1, "PROMETHEUS_MULTIPROC_DIR=/tmp/prom", B=2], tmpfs: /tmp/prom}
  prometheus:
    image: prom/prometheus
    environment:
      - PROMETHEUS_RETENTION=3d
    volumes:
      - prometheus_data:/prometheus
      - type: volume
        source: other
        target: /other
    healthcheck:
      test: wget -q http://localhost:9090/metrics
    ports: ["9090:9090"]
volumes:
  prom_data:
  prometheus_data:
"""


def test_compose_keeps_all_but_the_folder_of_the_processes(tmp_path: Path) -> None:
    settings = "PROMETHEUS_METRICS_EXPORT_PORT_RANGE = range(8001, 8003)\n"
    found = project(tmp_path, {"docker-compose.yml": COMPOSE, "manage.py": "", "shop/settings.py": settings})
    after = without_traces(found)["docker-compose.yml"]
    wanted = yaml.safe_load(COMPOSE)
    services = wanted["services"]
    del wanted["x-env"]["PROMETHEUS_MULTIPROC_DIR"], services["web"]["environment"]["PROMETHEUS_MULTIPROC_DIR"]
    services["web"]["volumes"] = [".:/app"]
    del services["worker"]["environment"], services["worker"]["tmpfs"], services["beat"]["tmpfs"]
    services["beat"]["environment"] = ["A=1", "B=2"]
    del wanted["volumes"]["prom_data"]
    assert yaml.safe_load(after) == wanted
    assert "# the shop\n" in after
    doubts = [
        (each.line, each.kind) for each in traces(found) if each.doubt and each.stage in {Stage.URLS, Stage.SETTINGS}
    ]
    assert (17, Kind.COMPOSE) in doubts
    assert (19, Kind.SCRAPE) in doubts
    assert (23, Kind.COMPOSE) in doubts
    assert {line for line, *_ in lines(found, "docker-compose.yml")} == {4, 14, 17, 19, 23, 28, 30, 31, 45}


@pytest.mark.parametrize("name", ["docker-compose.yml", "Dockerfile", "entrypoint.sh", "Makefile"])
def test_line_ends_stay_as_they_are(tmp_path: Path, name: str) -> None:
    texts = {"docker-compose.yml": COMPOSE, "Dockerfile": DOCKERFILE, "entrypoint.sh": SCRIPT, "Makefile": MAKEFILE}
    text = texts[name].replace("the shop", "the sh\u00f6p \U0001f600")
    (tmp_path / "unix").mkdir()
    (tmp_path / "dos").mkdir()
    unix = without_traces(project(tmp_path / "unix", {name: text}))[name]
    dos = without_traces(project(tmp_path / "dos", {name: text.replace("\n", "\r\n")}))[name]
    assert unix != text
    assert dos == unix.replace("\n", "\r\n")


MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  template:
    metadata:
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/path: /metrics
        prometheus.io/port: "8000"
    spec:
      containers:
        - name: web
          image: registry.example/shop:1
          env:
            - name: PROMETHEUS_MULTIPROC_DIR
              value: /var/run/prom
            - name: DEBUG
              value: "1"
          volumeMounts:
            - name: prom
              mountPath: /var/run/prom
          livenessProbe:
            httpGet: {path: /metrics, port: 8000}
        - name: worker
          image: registry.example/shop:1
          env: [{name: PROMETHEUS_MULTIPROC_DIR, value: /var/run/prom}]
      volumes:
        - name: prom
          emptyDir: {medium: Memory}
        - name: media
          emptyDir: {}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: redis}
spec:
  template:
    metadata:
      annotations: {prometheus.io/scrape: "true"}
    spec:
      containers: [{name: x, image: oliver006/redis_exporter}]
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: shop}
spec:
  selector: {}
endpoints: []
---
apiVersion: v1
kind: ConfigMap
data:
  PROMETHEUS_MULTIPROC_DIR: /var/run/prom
  DEBUG: "1"
"""


def test_manifests_keep_all_but_the_folder_of_the_processes(tmp_path: Path) -> None:
    monitor = "kind: {0}\nmetadata: {{name: {1}}}\nspec:\n  {2}:\n  - port: http\n    path: {3}\n"
    files = {
        "k8s/shop.yaml": MANIFEST,
        "k8s/monitor.yaml": monitor.format("ServiceMonitor", "shop", "endpoints", "/metrics"),
        "k8s/other.yaml": monitor.format("ServiceMonitor", "node-exporter", "endpoints", "/metrics"),
        "k8s/pods.yaml": monitor.format("PodMonitor", "shop", "podMetricsEndpoints", "/other"),
        "chart/templates/web.yaml": "env:\n{{- if .Values.x }}\n  - name: PROMETHEUS_MULTIPROC_DIR\n{{- end }}\n",
    }
    found = project(tmp_path, files)
    after = without_traces(found)
    first, *others = yaml.safe_load_all(after["k8s/shop.yaml"])
    expected, *wanted = yaml.safe_load_all(MANIFEST)
    pod = expected["spec"]["template"]["spec"]
    pod["containers"][0]["env"] = [{"name": "DEBUG", "value": "1"}]
    del pod["containers"][0]["volumeMounts"], pod["containers"][1]["env"]
    pod["volumes"] = [{"name": "media", "emptyDir": {}}]
    wanted[-1]["data"] = {"DEBUG": "1"}
    assert first == expected
    assert others == wanted
    assert after["chart/templates/web.yaml"] == files["chart/templates/web.yaml"]
    assert {file for file in files if lines(found, file)} == {"k8s/shop.yaml", "k8s/monitor.yaml"}
    assert [at for at in lines(found, "k8s/shop.yaml") if not at[2]] == [
        *((line, "scrape config", False) for line in (8, 9, 10)),
        (24, "compose", False),
    ]


def test_the_folder_is_found_where_only_its_name_stands(tmp_path: Path) -> None:
    compose = """\
services:
  web:
    environment: {PROMETHEUS_MULTIPROC_DIR: /tmp/prom_files}
    command: >
      bash -c "
        mkdir -p /tmp/prom_files &&
        gunicorn shop.wsgi"
  worker:
    command: ["sh", "-c", "rm -rf /tmp/prom_files/*; celery"]
  other:
    command: ls /tmp/prom_files-other /srv/tmp/prom_files
"""
    files = {"compose.yml": compose, ".gitignore": "*.pyc\n/prom_files/\nprom/\n"}
    files["Dockerfile"] = 'CMD ["sh", "-c", "rm -rf /tmp/prom_files/* && gunicorn shop.wsgi"]\n'
    found = project(tmp_path, files)
    after = without_traces(found)
    assert after[".gitignore"] == "*.pyc\nprom/\n"
    assert "environment" not in yaml.safe_load(after["compose.yml"])["services"]["web"]
    assert [line for line, _, is_edited in lines(found, "compose.yml") if not is_edited] == [6, 9]
    assert lines(found, "Dockerfile") == [(1, "multiprocess", False)]


SCRAPES = """\
scrape_configs:
  - job_name: prometheus
    static_configs:
      - targets: ["localhost:9090"]
  - job_name: shop
    scrape_interval: 15s
    static_configs:
      - targets:
          - web:8000
  - job_name: node
    static_configs:
      - targets: ["node-exporter:9100"]
  - job_name: queue
    static_configs:
      - targets: ["redis:9121"]
  - job_name: inner
    metrics_path: /internal/metrics
    static_configs: [{targets: ["10.0.0.1"]}]
  - job_name: my-django
    static_configs: [{targets: ["example.com:443"]}]
  - job_name: gate
    metrics_path: /status
    static_configs: [{targets: ["web:8000"]}]
  - job_name: djangonaut
    static_configs: [{targets: ["10.0.0.2:80"]}]
  - job_name: own
    static_configs: [{targets: ["logemit:9464"]}]
  - job_name: exported
    static_configs: [{targets: ["10.0.0.3:8001"]}]
"""


def test_annotations_of_others_are_none_of_the_app(tmp_path: Path) -> None:
    pod = (
        "kind: Deployment\nspec:\n  template:\n    metadata:\n"
        "      annotations:\n        prometheus.io/scrape: 'true'\n"
        "    spec:\n      containers: [{{image: '{0}', command: [{1}]}}]\n"
    )
    files = {
        "k8s/app.yaml": pod.format("example.com:5000/shop:1", "gunicorn") + "---\n" + pod.format("go-thing:2", "serve"),
        "k8s/jobs.yaml": pod.format("example.com:5000/shop:2", "sh"),
        "k8s/other.yaml": pod.format("example.com:5000/mail", "serve"),
    }
    found = traces(project(tmp_path, files))
    assert [(each.file, each.line) for each in found] == [("k8s/app.yaml", 6), ("k8s/jobs.yaml", 6)]
    assert traces(project(tmp_path, files), ["other"]) == []
    del files["k8s/app.yaml"]
    (tmp_path / "k8s" / "app.yaml").unlink()
    assert [each.file for each in traces(project(tmp_path, files))] == ["k8s/jobs.yaml", "k8s/other.yaml"]


def test_only_jobs_that_ask_the_app_are_traces(tmp_path: Path) -> None:
    compose = "services:\n  web: {build: ., command: gunicorn x}\n  redis: {image: redis}\n"
    compose += "  logemit: {build: ., command: logemit serve}\n  gate: {build: ./nginx}\n"
    files = {
        "compose.yaml": compose,
        "manage.py": "",
        "shop/settings.py": "PROMETHEUS_METRICS_EXPORT_PORT = 8001",
        "deploy/prometheus.yml": SCRAPES,
    }
    found = traces(project(tmp_path, files), ["metrics", "internal/metrics"])
    assert [each.subject for each in found] == ["shop", "inner", "my-django", "exported"]
    assert {(each.kind, bool(each.edits)) for each in found} == {(Kind.SCRAPE, False)}
    assert found[0].lines == range(5, 10)


def test_environment_files_lose_only_its_variables(tmp_path: Path) -> None:
    env = (
        "# the shop\nDEBUG=1\nexport PROMETHEUS_MULTIPROC_DIR=/tmp/prom\n# PROMETHEUS_METRICS_EXPORT_PORT=8001\n"
        "PROMETHEUS_URL=http://prometheus:9090\nPROMETHEUS_ENABLED=1\nDATABASE_ENGINE='django_prometheus.db.backends.postgis'\n"
    )
    unit = (
        '[Service]\nEnvironment="A=b c" "PROMETHEUS_MULTIPROC_DIR=/run/prom" B=2\n'
        "Environment=PROMETHEUS_MULTIPROC_DIR=/run/prom\n"
        "ExecStartPre=-/bin/rm -rf /run/prom\nExecStart=gunicorn shop.wsgi\n"
    )
    files = {
        ".env.example": env,
        "web.service": unit,
        "Procfile": "web: PROMETHEUS_MULTIPROC_DIR=/tmp/prom gunicorn shop.wsgi\nworker: celery\n",
        "shop/settings.py": 'PROMETHEUS_ENABLED = env("PROMETHEUS_ENABLED")\n',
    }
    found = project(tmp_path, files)
    after = without_traces(found)
    assert after[".env.example"] == (
        "# the shop\nDEBUG=1\nPROMETHEUS_URL=http://prometheus:9090\nPROMETHEUS_ENABLED=1\n"
        "DATABASE_ENGINE='django.contrib.gis.db.backends.postgis'\n"
    )
    assert after["web.service"] == '[Service]\nEnvironment="A=b c" B=2\nExecStart=gunicorn shop.wsgi\n'
    assert after["Procfile"] == "web: gunicorn shop.wsgi\nworker: celery\n"
    read = [each.doubt for each in traces(found) if each.subject == "PROMETHEUS_ENABLED"]
    assert read == ["shop/settings.py reads it: take it out along with that"]
    changed = found.with_texts({"shop/settings.py": "\n"})  # as the stage of the settings leaves it
    assert "PROMETHEUS_ENABLED" not in without_traces(changed)[".env.example"]
    assert "PROMETHEUS_URL" in without_traces(changed)[".env.example"]


def test_engines_are_named_as_django_names_them(tmp_path: Path) -> None:
    files = {
        "compose.yml": "services:\n  web:\n    environment:\n"
        "      - DB_ENGINE=django_prometheus.db.backends.postgresql\n"
        "      - CACHE=django_prometheus.cache.backends.redis.NativeRedisCache\n",
        "app.json": '{"env": {"ENGINE": "django_prometheus.db.backends.mysql"}}\n',
        "notes.ini": "[a]\n# ENGINE = django_prometheus.db.backends.mysql\nb = django_prometheus.db.backends.own\n",
        "docs.md": "ENGINE=django_prometheus.db.backends.mysql\n",
    }
    found = project(tmp_path, files)
    after = without_traces(found)
    assert yaml.safe_load(after["compose.yml"])["services"]["web"]["environment"] == [
        "DB_ENGINE=django.db.backends.postgresql",
        "CACHE=django.core.cache.backends.redis.RedisCache",
    ]
    assert json.loads(after["app.json"]) == {"env": {"ENGINE": "django.db.backends.mysql"}}
    assert after["notes.ini"] == files["notes.ini"]
    assert lines(found, "notes.ini") == [(2, "database engine", False), (3, "database engine", False)]
    assert lines(found, "docs.md") == [(1, "documentation", False)]
    assert {str(each.stage) for each in traces(found) if each.edits} == {"models"}


SCRIPT = """\
#!/bin/sh
set -e
export A=1 PROMETHEUS_MULTIPROC_DIR=/tmp/prom
rm -rf "$PROMETHEUS_MULTIPROC_DIR"/*
mkdir -p "${PROMETHEUS_MULTIPROC_DIR}" && touch here
rm -f /tmp/prom/*.db || true
pip install django-prometheus gunicorn
cat <<EOF
pip install django-prometheus
EOF
exec echo started
"""


def test_scripts_run_as_before(tmp_path: Path) -> None:
    found = project(tmp_path, {"entrypoint.sh": SCRIPT})
    after = without_traces(found)["entrypoint.sh"]
    assert after == (
        "#!/bin/sh\nset -e\nexport A=1\ntouch here\npip install gunicorn\n"
        "cat <<EOF\npip install django-prometheus\nEOF\nexec echo started\n"
    )
    assert subprocess.run(["sh", "-n"], input=after, text=True, check=False).returncode == 0


@pytest.mark.parametrize(
    "text",
    [
        'if [ -n "$PROMETHEUS_MULTIPROC_DIR" ]; then\n  rm -rf "$PROMETHEUS_MULTIPROC_DIR"/*\nfi\n',
        'trap "rm -rf $PROMETHEUS_MULTIPROC_DIR" EXIT\n',
        ': "${PROMETHEUS_MULTIPROC_DIR:=/tmp/prom}"\n',
        "clean() {\n\trm -rf $PROMETHEUS_MULTIPROC_DIR\n}\n",
    ],
)
def test_scripts_that_do_more_with_it_are_left(tmp_path: Path, text: str) -> None:
    script = f"#!/bin/sh\nexport PROMETHEUS_MULTIPROC_DIR=/tmp/prom\n{text}"
    found = project(tmp_path, {"start.sh": script})
    assert without_traces(found)["start.sh"] == script
    assert 2 in [line for line, *_ in lines(found, "start.sh")]


MAKEFILE = """\
export PROMETHEUS_MULTIPROC_DIR ?= /tmp/prom
.PHONY: run metrics test

run:
\tmkdir -p $(PROMETHEUS_MULTIPROC_DIR)
\tpip install django-prometheus gunicorn
\tpython manage.py runserver

# look at the numbers
metrics:  ## show metrics
\t@echo numbers
\t@curl -s localhost:8000/metrics | head

.PHONY: peek
peek:
\tcurl http://localhost:8000/metrics
\tpytest

node:
\tcurl http://localhost:9100/metrics

test:
\tpytest
"""


def test_make_loses_only_targets_for_the_metrics(tmp_path: Path) -> None:
    found = project(tmp_path, {"Makefile": MAKEFILE})
    after = without_traces(found)["Makefile"]
    assert after == (
        ".PHONY: run test\n\nrun:\n\tpip install gunicorn\n\tpython manage.py runserver\n\n"
        ".PHONY: peek\npeek:\n\tcurl http://localhost:8000/metrics\n\tpytest\n\n"
        "node:\n\tcurl http://localhost:9100/metrics\n\ntest:\n\tpytest\n"
    )
    (tmp_path / "after").write_text(after)
    if shutil.which("make"):
        assert subprocess.run(["make", "-n", "-f", tmp_path / "after", "test"], check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Makefile", "all: metrics\n"),
        ("Makefile", "all:\n\t$(MAKE) metrics\n"),
        (".github/workflows/ci.yml", "jobs: {a: {steps: [{run: make metrics}]}}\n"),
        ("README.md", "    make -s metrics\n"),
    ],
)
def test_a_target_that_something_names_is_left(tmp_path: Path, name: str, text: str) -> None:
    files = {"Makefile": "metrics:\n\tcurl localhost:8000/metrics\n"}
    files[name] = files.get(name, "") + text
    found = project(tmp_path, files)
    assert without_traces(found)["Makefile"] == files["Makefile"]
    assert [each.doubt for each in traces(found) if each.subject == "metrics"] == [f"{name} names the target"]


def test_jobs_install_the_rest(tmp_path: Path) -> None:
    workflow = """\
env:
  PROMETHEUS_MULTIPROC_DIR: /tmp/prom
jobs:
  test:
    steps:
      - run: pip install django django-prometheus pytest
      - run: |
          pip install prometheus_client
          pip install "Prometheus-Client>=0.2" coverage
          curl localhost:8000/metrics
          curl localhost:9090/metrics
"""
    found = project(tmp_path, {".github/workflows/ci.yml": workflow})
    after = yaml.safe_load(without_traces(found)[".github/workflows/ci.yml"])
    run = "pip install prometheus_client\npip install coverage\n"
    run += "curl localhost:8000/metrics\ncurl localhost:9090/metrics\n"
    assert after == {"jobs": {"test": {"steps": [{"run": "pip install django pytest"}, {"run": run}]}}}
    left = [line for line, _, is_edited in lines(found, ".github/workflows/ci.yml") if not is_edited]
    assert left == [8, 10]


def test_documents_are_left_to_people(tmp_path: Path) -> None:
    text = """\
Install `django-prometheus` and set PROMETHEUS_MULTIPROC_DIR.
Prometheus asks for `/metrics` every minute.
See https://shop.example/metrics, or run:
    curl http://127.0.0.1:8000/metrics/ | head
The node_exporter has /metrics, too: http://localhost:9100/metrics
Prometheus has its own at http://prometheus:9090/metrics
shop/metrics.py, docs/metrics and api/metrics/x are files; ./metrics is one.
`logemit serve` answers at localhost:9464/metrics
`GET /metrics-of-others` and /metricsx
"""
    found = project(tmp_path, {"README.md": text, "docs/ops.rst": "prometheus_client\n", "NOTES.txt": "/metrics\n"})
    assert lines(found, "README.md") == [(number, "documentation", False) for number in (1, 2, 3, 4)]
    assert lines(found, "docs/ops.rst") == [(1, "documentation", False)]
    assert lines(found, "NOTES.txt") == [(1, "documentation", False)]
    assert [each.line for each in traces(found, []) if each.file == "README.md"] == [1]
    assert without_traces(found) == found.texts


def test_a_project_of_others_has_no_traces(tmp_path: Path) -> None:
    files = {
        "docker-compose.yml": COMPOSE[COMPOSE.index("  prometheus:") :].replace(
            "  prometheus:", "services:\n  prometheus:"
        ),
        "prometheus.yml": SCRAPES[: SCRAPES.index("  - job_name: shop")],
        "requirements.txt": "Django\nprometheus-fastapi-instrumentator\n",
        "pyproject.toml": '[project]\ndependencies = ["Django", "flower"]\n',
        "Dockerfile": "FROM python\nRUN pip install django\nENV PROMETHEUS=1\n",
        "Makefile": "metrics:\n\tcurl localhost:9090/metrics\n",
        "README.md": "Grafana asks Prometheus.\n",
        ".env": "PROMETHEUS=1\n",
    }
    assert traces(project(tmp_path, files), []) == []
    assert without_traces(project(tmp_path, files), []) == files


COMMANDS: tuple[tuple[str, str], ...] = (
    ("apt-get update", "apt-get update"),
    ("pip install django-prometheus", ""),
    ("pip3 install -U 'prometheus_client>=0.2'", ""),
    ("python -m pip install a django_prometheus b", "python -m pip install a b"),
    ("pip install django-prometheus -r requirements.txt", "pip install -r requirements.txt"),
    ("uv pip install --system Django.Prometheus==2 c", "uv pip install --system c"),
    ("mkdir -p /tmp/prom", ""),
    ("mkdir -p /app /tmp/prom/", "mkdir -p /app"),
    ("chown -R app:app $PROMETHEUS_MULTIPROC_DIR", ""),
    ('rm -rf "$PROMETHEUS_MULTIPROC_DIR"/*', ""),
    ("rm -rf /tmp/promised", "rm -rf /tmp/promised"),
    ("echo 'a && b; pip install django-prometheus'", "echo 'a && b; pip install django-prometheus'"),
)


@settings(max_examples=scaled(40, 100, 2000))
@given(
    st.lists(st.sampled_from(COMMANDS), min_size=1, max_size=5),
    st.sampled_from([" && ", " \\\n    && ", " && \\\n    ", "; ", " ;\\\n"]),
    st.sampled_from(["Dockerfile", "run.sh"]),
)
def test_any_chain_keeps_its_other_commands(chain: list[tuple[str, str]], joint: str, name: str) -> None:
    before = "RUN " if name == "Dockerfile" else ""
    text = f"{before}{joint.join(command for command, _ in chain)}\n"
    files = {name: f"FROM x\n{text}WORKDIR /\n", ".env": "PROMETHEUS_MULTIPROC_DIR=/tmp/prom\n"}
    with TemporaryDirectory() as folder:
        after = without_traces(project(Path(folder), files))[name]
    words = after.replace("\\\n", " ").split()
    separator = "&&" if "&&" in joint else ";"
    kept = f" {separator} ".join(left for _, left in chain if left)
    expected = f"FROM x {before if kept else ''}{kept} WORKDIR /"
    assert " ".join(words).replace(" ;", ";") == " ".join(expected.split()).replace(" ;", ";")
