"""The headless command line. Nothing here imports what does the work until a verb needs it."""
