"""Putting one person's face on another in videos and pictures."""
