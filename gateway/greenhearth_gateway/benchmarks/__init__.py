"""Published figures: read, selected and corrected for a line, compared like with like, graded."""

from greenhearth_gateway.benchmarks.comparison import NO_VALUE, Comparison, compare
from greenhearth_gateway.benchmarks.figures import Benchmark, Ladder, load_benchmarks
from greenhearth_gateway.benchmarks.ladders import Grade, grade_value, grades
from greenhearth_gateway.benchmarks.limits import Subject

__all__ = [
    "NO_VALUE", "Benchmark", "Comparison", "Grade", "Ladder", "Subject", "compare", "grade_value", "grades",
    "load_benchmarks",
]  # fmt: skip
