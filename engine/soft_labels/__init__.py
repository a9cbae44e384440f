"""ReffAKD's soft labels: how alike classes look to a small autoencoder, what that is worth, and what it costs."""
