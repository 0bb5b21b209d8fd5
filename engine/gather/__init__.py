"""Bringing footage and pictures into a person's sources."""
