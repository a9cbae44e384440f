"""What helps a person find their way: the palette, help on the thing in focus, the tour, keys, About."""
