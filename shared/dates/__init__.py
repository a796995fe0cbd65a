"""Dates as written by people and programs in about 60 languages: `parse` a date, recognise `3 hours ago`."""

from shared.dates.calendar_names import is_relative
from shared.dates.parsing import ParsedDate, parse

__all__ = ["ParsedDate", "is_relative", "parse"]
