"""Compiled kernels: they take arrays, write into arrays, and know no objects.

`step.py` is the entry for scans: one dispatch runs decode, accumulate, potline, window and
intensity for all series of a scan. The same compiled step runs live and over history.
`sweep.py` runs the same rules over whole columns of samples.
"""
