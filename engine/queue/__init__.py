"""The queue: experiments that wait for their turn, in an order, some of them for one another; kept beside the runs.

queue = QueueFile(home)
queue.change(lambda listing: order.added(listing, [queue.put(resolved)]))
order.next_for(queue.read(), "")                          # the entry whose turn it is

No torch and no Qt: who trains an entry is whoever takes it, a window or a terminal.
"""

from engine.queue.entry import AWAITED, Entry, QueueError, State, awaited
from engine.queue.listing import Listing
from engine.queue.stored import Owner, QueueFile

__all__ = ["AWAITED", "Entry", "Listing", "Owner", "QueueError", "QueueFile", "State", "awaited"]
