"""What is on disk: workspace, people, sources, faces, swaps, jobs. Plain data and files."""
