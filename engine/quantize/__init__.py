"""Weights and activations of few bits: the quantizers, and the wrapping of a net with them. Importing this loads no torch."""
