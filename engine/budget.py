"""Budgets: how long a run may take and how much energy it may use. It ends properly, with the epoch in which one is spent."""

from __future__ import annotations

from engine.experiment import RunSettings

MINUTE = 60.0
WATT_HOUR = 3600.0


def within(run: RunSettings, seconds: float) -> float:
    """Seconds that a run will take which would take so many: its budget of time ends it. Of energy nobody knows before."""
    return min(seconds, run.time_budget * MINUTE) if run.time_budget else seconds


def spent(run: RunSettings, seconds: float, joules: float | None) -> str:
    """Which budget is spent, as a sentence; empty while none is. `seconds` of running, pauses left out, and `joules`, both of
    the whole run so far; energy that nothing counts is never spent."""
    if run.time_budget and seconds >= run.time_budget * MINUTE:
        return f"The budget of {run.time_budget:g} minutes is spent."
    if run.energy_budget and joules is not None and joules >= run.energy_budget * WATT_HOUR:
        return f"The budget of {run.energy_budget:g} Wh is spent."
    return ""
