"""What an endpoint is secured with: users with passwords, certificates. Read again when their files change."""

import base64
import binascii
import hmac
import ssl
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

from ..errors import LogemitError, UsageError

T = TypeVar("T")


class Kept(Generic[T]):
    """What `load` makes of files, made anew when one of them was changed.

    Where that fails, what there was stays, and `warn` is told why. Raises what `load` raises, the first time.
    """

    def __init__(self, load: Callable[[], T], paths: Iterable[Path | None], warn: Callable[[str], None]) -> None:
        self._load, self._warn, self._lock = load, warn, Lock()
        self._paths = [path for path in paths if path is not None]
        self._seen, self._value = self._stamps(), load()

    def __call__(self) -> T:
        with self._lock:
            stamps = self._stamps()
            if stamps != self._seen:
                self._seen = stamps
                try:
                    self._value = self._load()
                except LogemitError as exc:
                    self._warn(f"{exc}; what was there before stays in use")
            return self._value

    def _stamps(self) -> list[object]:
        return [_stamp(path) for path in self._paths]


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_mode


def users(path: Path) -> dict[str, str]:
    """Passwords by user, of lines `user:password`; empty lines and those that begin with # count for nothing.

    Raises UsageError, also where others may read the file.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_bytes().decode()
    except OSError as exc:
        raise UsageError(f"{path}: cannot be read: {exc.strerror}; --auth-file needs lines user:password") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is not UTF-8; --auth-file needs lines user:password") from None
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        raise UsageError(f"{path}: others may read or write it, and it holds passwords; chmod o= {path}")
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        user, colon, password = line.rstrip("\r").partition(":")
        if not line.strip() or line.startswith("#"):
            continue
        if not user or not colon or not password or user in found:
            wrong = "a user that was there before" if user in found else "no user:password"
            raise UsageError(f"{path}: line {number} has {wrong}; expected one user:password a line")
        found[user] = password
    if not found:
        raise UsageError(f"{path}: holds no user; expected lines user:password")
    return found


def is_known(authorization: str, known: Mapping[str, str]) -> bool:
    """Whether a header names a user with their password, in a time that does not tell how much of it is right."""
    scheme, _, encoded = authorization.strip().partition(" ")
    try:
        given = base64.b64decode(encoded.strip(), validate=True) if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        given = b""
    pairs = (f"{user}:{password}".encode() for user, password in known.items())
    return sum(hmac.compare_digest(given, pair) for pair in pairs) > 0


def basic(user: str, password: str) -> str:
    """The header that names a user."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def tls(cert: Path, key: Path | None, client_ca: Path | None) -> ssl.SSLContext:
    """What a server encrypts with; with `client_ca` clients must show a certificate that it has signed.

    Raises UsageError.
    """
    for path in filter(None, (cert, key, client_ca)):
        _check_readable(path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except (ssl.SSLError, ValueError) as exc:
        named = f"{cert} and {key}" if key else f"{cert}"
        hint = "expected a certificate and its own key in PEM, without a password"
        raise UsageError(f"{named}: cannot be used: {_reason(exc)}; {hint}") from None
    if client_ca is not None:
        try:
            context.load_verify_locations(client_ca)
        except ssl.SSLError as exc:
            raise UsageError(f"{client_ca}: cannot be used: {_reason(exc)}; expected certificates in PEM") from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _check_readable(path: Path) -> None:
    try:
        path.read_bytes()
    except OSError as exc:
        raise UsageError(f"{path}: cannot be read: {exc.strerror}; check its owner and mode") from None


def _no_password() -> str:
    """Without this, OpenSSL asks at the terminal."""
    raise ValueError("the key has a password")


def _reason(exc: Exception) -> str:
    return getattr(exc, "reason", None) or str(exc)
