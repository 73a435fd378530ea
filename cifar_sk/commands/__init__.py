"""What the command lines share: options, running a command, progress, and their jobs."""
