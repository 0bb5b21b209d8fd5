"""How good a swap is: against exact ground truth where there is one, and by likeness where not."""
