"""The journal: one SQLite file that holds everything, written by one thread."""
