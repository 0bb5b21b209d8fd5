"""All figures of an accelerator in one call: `swapdeck bench accelerator`."""
