"""Marking what was made as synthetic, and telling afterwards what a file says of itself."""
