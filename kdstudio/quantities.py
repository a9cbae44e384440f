"""Counts, times and sizes in words for people."""

from __future__ import annotations

from datetime import datetime


def short(count: float) -> str:
    """A count in three digits: 842, 78.0 k, 11.2 M, 4.11 G."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size * 0.9995:
            scaled = count / size
            digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
            return f"{scaled:.{digits}f}\u202f{letter}"
    return f"{count:.0f}"


def grouped(count: int) -> str:
    """A whole number with its thousands apart: 60 000."""
    return f"{count:,}".replace(",", "\u202f")


def times(ratio: float) -> str:
    """How many times: 7.2, 503."""
    return f"{ratio:.1f}" if ratio < 99.5 else f"{ratio:.0f}"


def lasting(seconds: float) -> str:
    """A duration to reckon with: 0.4 s, 40 s, 12 min, 3 h 20 min, 2 d 4 h."""
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02d} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def moment(at: float) -> str:
    """A point in time in local words: `4 Mar 10:11`, or `4 Mar 2024` where it is not of the present year."""
    if not at:
        return ""
    then = datetime.fromtimestamp(at)
    return f"{then.day} {then:%b} " + (f"{then:%H:%M}" if then.year == datetime.now().year else f"{then.year}")


def seconds(value: float) -> str:
    """A duration for people, of steady width where it counts on: `00:21`, `1:02:03`."""
    whole = max(0, round(value))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def size(count: float) -> str:
    """Bytes for people, in decimal units: `3.1 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
