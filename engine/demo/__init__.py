"""The whole job on two synthetic people, from clips that are in the package."""
