"""Requests that fail, or that middleware answers."""

from typing import TYPE_CHECKING

from .scenes import scene

if TYPE_CHECKING:
    from .drive import Drive


@scene()
def refusals(drive: "Drive") -> None:
    for kind in ("http404", "denied", "bad", "suspicious"):
        drive.ask(f"/fails/{kind}/", "fails")


@scene()
def view_fails(drive: "Drive") -> None:
    drive.ask("/fails/zero/", "fails", exception="ZeroDivisionError")
    drive.ask("/fails/key/", "fails", "POST", body=b"abc", exception="KeyError")
    drive.ask("/api/status/", "status", "DELETE", exception="ZeroDivisionError")


@scene()
def async_view_fails(drive: "Drive") -> None:
    drive.ask_async("/fails-async/", "fails_async", exception="ZeroDivisionError")


@scene()
def rendering_fails(drive: "Drive") -> None:
    drive.ask("/page/broken/", "page", exception="ArithmeticError")


@scene()
def stream_fails(drive: "Drive") -> None:
    drive.ask("/streamed/?fails", "streamed", exception="BufferError")


@scene()
def exception_is_answered(drive: "Drive") -> None:
    drive.ask("/fails/timeout/", "fails")


@scene()
def middleware_answers(drive: "Drive") -> None:
    drive.ask("/hello/?middleware=answers", HTTP_X_REQUESTED_WITH="XMLHttpRequest")
    drive.ask("/hello/?middleware=answers", method="POST", body=b"abc", secure=True)


@scene()
def middleware_answers_for_the_view(drive: "Drive") -> None:
    drive.ask("/hello/", "hello", "POST", csrf=True)
    drive.ask("/hello/?middleware=refuses", "hello")


@scene()
def middleware_fails(drive: "Drive") -> None:
    drive.ask("/hello/?middleware=fails", exception="LookupError")


@scene()
def middleware_fails_late(drive: "Drive") -> None:
    drive.ask("/hello/?middleware=fails-late", "hello", exception="LookupError")
