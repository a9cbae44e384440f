"""From image files to pixels, here or in other processes; loads no torch, so that a process that decodes is small."""
