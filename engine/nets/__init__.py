"""Networks: a shared encoder and a decoder for each person, as Flax NNX modules."""
