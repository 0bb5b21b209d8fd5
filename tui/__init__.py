"""What a person sees: the dashboard."""
