"""The window of kdstudio. Nothing in it imports torch, but the training thread while it runs."""
