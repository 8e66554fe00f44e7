"""Objects of a store, by any URL that fsspec knows: found by prefix, opened as files. fsspec is loaded when it is used.

Its libraries retry what may pass, a bounded number of times; what they give up on is one line here.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

from .compression import TornError
from .content import digest
from .errors import InputError, LogemitError, ReadWriteError, UsageError
from .urls import Pattern, is_url, protocol, refuse_password, shown

LOOK_BACK_DAYS = 3
BLOCK_BYTES = 8 << 20
"""That are asked for at once."""

_VERSIONS = ("ETag", "etag", "generation", "md5Hash", "LastModified", "last_modified", "updated", "mtime", "created")
_PACKAGES = {
    **dict.fromkeys(("s3", "s3a"), "'logemit[remote]'"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("az", "abfs", "abfss", "adl"), "adlfs"),
}


@dataclass(frozen=True, slots=True)
class Object:
    url: str
    size: int
    version: str
    """Of size and ETag, or what the store has in its stead."""
    path: str = field(repr=False, default="")
    files: Any = field(repr=False, compare=False, default=None)

    def __str__(self) -> str:
        return self.url

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Raises ReadWriteError, also later, where it is read; FileNotFoundError where it is gone."""
        with told(self.url), self.files.open(self.path, "rb", block_size=BLOCK_BYTES, cache_type="readahead") as file:
            yield file


def filesystem(url: str) -> Any:
    """The file system of a URL. Raises UsageError."""
    refuse_password(url)
    kind = protocol(url)
    if kind in ("file", "local"):
        raise UsageError(f"{url}: is on this machine; name it as a path")
    try:
        import fsspec  # noqa: PLC0415 (a third of a second, which only URLs shall cost)

        made = fsspec.get_filesystem_class(kind)
    except ImportError:
        package = _PACKAGES.get(kind)
        advice = f"pip install {package}" if package else f"install what fsspec needs for {kind}://"
        raise UsageError(f"{shown(url)}: needs a library that is missing; {advice}") from None
    except ValueError:
        raise UsageError(f"{shown(url)}: {kind}:// is unknown; name paths, or s3://, gs:// or az://") from None
    with told(url):
        files = made(use_listings_cache=False, skip_instance_cache=True)
        if kind in ("s3", "s3a"):
            # A write waits for the word to go on without any limit in time, from a server that does not answer.
            files.s3.meta.events.register_last("before-call.s3", _without_expect)
        return files


def _without_expect(params: dict[str, Any], **_: object) -> None:
    params["headers"].pop("Expect", None)


@contextmanager
def told(url: str) -> Iterator[None]:
    """The libraries' errors as ours; FileNotFoundError and FileExistsError stay."""
    try:
        yield
    except (LogemitError, TornError, FileNotFoundError, FileExistsError):
        raise
    except PermissionError:
        raise ReadWriteError(f"{shown(url)}: access denied; check the credentials and what they allow") from None
    except Exception as exc:  # each library has its own
        reason = shown(str(exc.args[-1] if exc.args else exc).strip().partition("\n")[0])
        raise ReadWriteError(f"{shown(url)}: {type(exc).__name__}: {reason}; run it again") from None


def find(
    patterns: Iterable[str], known: Iterable[str] = (), look_back: int | None = None, now: datetime | None = None
) -> list[Object]:
    """The objects that URLs name, each once, in order; paths are passed over.

    Of a pattern with a date, of which some are `known`, those from `look_back` days before the newest of these on.
    Raises InputError for one that names nothing.
    """
    now = now or datetime.now(UTC).replace(tzinfo=None)
    margin = timedelta(LOOK_BACK_DAYS if look_back is None else look_back)
    found: dict[str, Object] = {}
    for url in filter(is_url, patterns):
        for each in _matches(url, known, margin, now):
            found[each.url] = each
    return [found[url] for url in sorted(found)]


def _matches(url: str, known: Iterable[str], margin: timedelta, now: datetime) -> list[Object]:
    files = filesystem(url)
    pattern = Pattern(path_of(files, url))
    since = _horizon(pattern, (path_of(files, each) for each in known if is_url(each)), margin, now)
    found = []
    for prefix in pattern.prefixes(since, now + timedelta(1)):
        for path, about in _listed(files, url, prefix).items():
            date = pattern.date(path)
            if not pattern.matches(path) or not about["size"] or (pattern.is_dated and date is None):
                continue
            if since is None or (date and date >= since):
                version = next((str(about[key]) for key in _VERSIONS if about.get(key)), "")
                name = f"{protocol(url)}://{path}"
                found.append(Object(name, about["size"], digest(f"{about['size']} {version}".encode()), path, files))
    if not found:
        hint = "" if url.endswith("/") else "; a prefix ends with /"
        raise InputError(f"{shown(url)}: no such objects; check the bucket and the pattern{hint}")
    return found


def _horizon(pattern: Pattern, known: Iterable[str], margin: timedelta, now: datetime) -> datetime | None:
    """From when on there may be something new; None where nothing is known."""
    dates = [date for path in known if pattern.is_dated and (date := pattern.date(path))]
    return pattern.floor(min(max(dates), now + timedelta(1)) - margin) if dates else None


def path_of(files: Any, url: str) -> str:
    """A URL as its file system names it: without the protocol."""
    path: str = files._strip_protocol(url)
    return f"{path}/" if url.endswith("/") and not path.endswith("/") else path


def _listed(files: Any, url: str, prefix: str) -> dict[str, dict[str, Any]]:
    folder, _, last = prefix.rstrip("/").rpartition("/")
    if not folder:  # all of a bucket
        folder, last = last, ""
    stem = {"prefix": last + prefix[len(prefix.rstrip("/")) :]} if last else {}
    with told(url), suppress(FileNotFoundError):
        listed: dict[str, dict[str, Any]] = files.find(folder, detail=True, **stem)
        return {path: about for path, about in listed.items() if about["type"] == "file"}
    return {}
