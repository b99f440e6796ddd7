"""Benchmarks of corrlib against its peers: ``make bench``, or ``python -m benchmarks``."""

#: Modules with a `KERNEL`, in the order of the table.
KERNELS = ("flow", "warp", "sift", "network", "retrieval", "svm", "mining")
