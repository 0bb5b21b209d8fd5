"""Base models: an encoder and a decoder that know faces before they meet anybody of a swap."""
