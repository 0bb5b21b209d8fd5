"""Training: the dataset on the device, the step, the loop, checkpoints and previews."""
