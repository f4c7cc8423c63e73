"""A cluster of network namespaces on this machine: nodes with names of their own, planes that do not know of each other."""
