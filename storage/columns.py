"""Column types the tables share: aware UTC times, and frozen values kept as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlmodel import Field


class UtcTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC time. A naive one is refused on the way in; SQLite's are made aware again on the way out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Into the database: always UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must be aware")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Out of the database: always aware."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Stored(sa.types.TypeDecorator[Any]):
    """A typed value kept as JSON text: validated on the way out, so that a row never smuggles an unknown shape in."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, shape: Any) -> None:
        super().__init__()
        self.shape = shape
        self._adapter: TypeAdapter[Any] = TypeAdapter(shape)

    @property
    def _static_cache_key(self) -> tuple[Any, ...]:
        return (Stored, repr(self.shape))

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        """Into the database: JSON text."""
        return None if value is None else self._adapter.dump_json(value).decode()

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:
        """Out of the database: the validated value."""
        return None if value is None else self._adapter.validate_json(value)


def time_column(*, nullable: bool = False, index: bool = False) -> Any:
    """A field that holds an aware UTC time."""
    return Field(default=None, sa_column=sa.Column(UtcTime(), nullable=nullable, index=index))


def json_column(shape: Any, *, nullable: bool = False) -> Any:
    """A field that holds a frozen value as JSON."""
    return Field(default=None, sa_column=sa.Column(Stored(shape), nullable=nullable))
