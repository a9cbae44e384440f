"""Queue: what runs and what waits, in order."""

from kdstudio.screens.queue.screen import QueueScreen

__all__ = ["QueueScreen"]
