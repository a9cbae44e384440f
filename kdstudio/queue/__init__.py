"""The queue of one window: what waits, which device takes what, and the sheets through which entries come."""
