"""What the window shows: Set up, Run, Runs. Screens do not know each other."""
