"""What can go wrong, each with the exit code that scripts see.

LogemitError                70  a defect of logemit's own
├── UsageError               2  arguments that cannot be meant
├── StateError              65  the output folder's state is damaged
│   └── NewerStateError         … or of a newer format
├── InputError              66  a source that does not exist or holds no logs
├── UnavailableError        69  a server or cluster cannot be reached or refuses; a port cannot be listened on
├── OutputError             73  the output folder cannot be made or written
├── ReadWriteError          74  the system failed a read or a write
├── LockedError             75  another run is at work
└── ConfigError             78  logemit.toml cannot be used
"""


class LogemitError(Exception):
    """`str()` is one line: what was found, what was expected, what to do."""

    exit_code = 70


class UsageError(LogemitError):
    exit_code = 2


class StateError(LogemitError):
    exit_code = 65


class NewerStateError(StateError):
    pass


class InputError(LogemitError):
    exit_code = 66


class UnavailableError(LogemitError):
    exit_code = 69


class OutputError(LogemitError):
    exit_code = 73


class ReadWriteError(LogemitError):
    exit_code = 74


class LockedError(LogemitError):
    exit_code = 75


class ConfigError(LogemitError):
    exit_code = 78
