"""A clock that can be stopped, so that what is recorded from the server is the same in every run."""

import datetime as datetime_module
import time

_REAL = datetime_module.datetime


def freeze(moment: str) -> None:
    """Stops the process's wall clock at `moment` (RFC 3339).

    Has to run before moto is imported: its modules take `datetime` with them.
    """
    stopped_at = _REAL.fromisoformat(moment.replace("Z", "+00:00")).astimezone(datetime_module.timezone.utc)

    class AnyDateTime(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, _REAL)

        def __subclasscheck__(cls, other: type) -> bool:
            return issubclass(other, _REAL)

    class StoppedDateTime(_REAL, metaclass=AnyDateTime):
        @classmethod
        def now(cls, tz: datetime_module.tzinfo | None = None) -> _REAL:
            return stopped_at.astimezone(tz) if tz else stopped_at.replace(tzinfo=None)

        @classmethod
        def utcnow(cls) -> _REAL:
            return stopped_at.replace(tzinfo=None)

        @classmethod
        def today(cls) -> _REAL:
            return cls.now()

    datetime_module.datetime = StoppedDateTime
    time.time = stopped_at.timestamp


def utcnow() -> datetime_module.datetime:
    """Now, or the moment at which the clock was stopped."""
    return datetime_module.datetime.now(datetime_module.timezone.utc)


def parse(moment: str | float) -> datetime_module.datetime:
    """A moment as AWS's protocols carry it: epoch seconds or RFC 3339."""
    if isinstance(moment, (int, float)):
        return datetime_module.datetime.fromtimestamp(moment, datetime_module.timezone.utc)
    parsed = _REAL.fromisoformat(moment.replace("Z", "+00:00"))
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=datetime_module.timezone.utc)
