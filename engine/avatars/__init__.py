"""Synthetic people: rendered heads whose face swap, face mask and landmarks are known exactly.

Nothing here was learnt or captured; every picture is computed from the numbers in this package, so
its clips may be shared freely, and a swap can be judged against the truth instead of by eye.
"""
