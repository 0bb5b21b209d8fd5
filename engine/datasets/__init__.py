"""Datasets people can trust: choosing faces, seeing what is missing, mending, moving them."""
