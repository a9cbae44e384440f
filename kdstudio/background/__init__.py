"""What is done beside the window's thread: chores in threads, commands in child processes, the training itself."""
