"""The study of training recipes: trained alike, judged by the exact truth."""
