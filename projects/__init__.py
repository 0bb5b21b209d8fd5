"""What is on disk: workspace, people, sources, faces, swaps, jobs, consent. Plain data and files."""
