"""The way itself: a text file through node_exporter, and through a Pushgateway, to Prometheus."""

import time
from pathlib import Path

import pytest

from tests.monitoring import servers

TEXT = '# HELP said_total Said.\n# TYPE said_total counter\nsaid_total{to="a"} 3\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "text"
    folder.mkdir()
    return folder


def test_a_text_file_reaches_prometheus(folder: Path, tmp_path: Path) -> None:
    (folder / "a.prom").write_text(TEXT)
    with (
        servers.node_exporter(folder, tmp_path / "node.log") as url,
        servers.prometheus(tmp_path, servers.scrape_config({"node": url})) as prometheus,
    ):
        began = time.time()
        while prometheus.scraped("node") < began:
            time.sleep(0.1)
        said = {frozenset({("__name__", "said_total"), ("to", "a")}): 3.0}
        assert prometheus.query("said_total") == said


def test_a_pushgateway_answers(tmp_path: Path) -> None:
    with servers.pushgateway(tmp_path / "push.log") as url:
        assert "pushgateway_build_info" in servers.fetch(f"{url}/metrics")
