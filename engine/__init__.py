"""What does the work: media, faces, avatars, nets, training, conversion, quality."""
