"""Every choice of a conversion against the exact truth: `swapdeck bench quality`."""
