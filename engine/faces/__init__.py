"""Finding faces, aligning them, and judging whose they are."""
