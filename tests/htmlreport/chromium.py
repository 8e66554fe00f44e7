"""A real browser, without a window."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import ActionChains, Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.conftest import tool

_FLAGS = (
    *("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking"),
    *("disable-component-update", "disable-sync", "disable-dev-shm-usage", "force-device-scale-factor=1"),
)
_PATIENCE = 120
"""Seconds: a machine may be busy."""


class Browser:
    """One page at a time."""

    def __init__(self, driver: Chrome, folder: Path) -> None:
        self._driver = driver
        self._folder = folder

    def show(self, page: str, width: int = 1200, colours: str = "light") -> None:
        """Until its charts are drawn."""
        path = self._folder / "report.html"
        path.write_text(page, "utf-8")
        self._do("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        self._do("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": colours}])
        self._driver.get(path.as_uri())
        self.wait(lambda: self.run("return document.documentElement.dataset.charts === 'done'"))

    def print(self) -> None:
        """From now on as on paper."""
        self._do("Emulation.setEmulatedMedia", media="print")

    def run(self, script: str, *arguments: Any) -> Any:
        return self._driver.execute_script(script, *arguments)

    def all(self, selector: str) -> list[WebElement]:
        return self._driver.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        """What is in them, seen or not."""
        found: list[str] = self.run(
            "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)", selector
        )
        return found

    def point_at(self, element: WebElement) -> None:
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        ActionChains(self._driver).move_to_element(element).perform()

    def click(self, element: WebElement) -> None:
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        ActionChains(self._driver).click(element).perform()

    def wait(self, condition: Callable[[], Any]) -> None:
        WebDriverWait(self._driver, _PATIENCE, 0.05).until(lambda _: condition())

    def wait_for_text(self, selector: str, text: str) -> None:
        self.wait(lambda: text in self.texts(selector))

    def console(self) -> list[str]:
        """What was written there since it was asked last: errors, and what the page's policy refused."""
        return [entry["message"] for entry in self._driver.get_log("browser")]  # type: ignore[no-untyped-call]

    def _do(self, command: str, **parameters: Any) -> None:
        self._driver.execute_cdp_cmd(command, parameters)


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """Its profile, and the pages that it shows, are in a folder."""
    options = ChromeOptions()
    options.binary_location = tool("chromium", "chromium")
    for flag in (*_FLAGS, f"user-data-dir={folder / 'profile'}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options, ChromeService(tool("chromedriver", "chromium-driver")))
    try:
        yield Browser(driver, folder)
    finally:
        driver.quit()
