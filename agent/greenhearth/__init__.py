"""The neutral library: what both daemons, the simulator and a notebook use."""

__version__ = "0.1.0"
