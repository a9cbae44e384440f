"""What leaves a run: one format, one file."""
