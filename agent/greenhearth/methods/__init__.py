"""Published ways from amounts to energy, CO2 and product; one file per field."""

from greenhearth.methods import aluminium, carbon, fuels, materials, power
from greenhearth.methods.law import Arg, Method, coefficients, resolve

METHODS: dict[str, Method] = {
    method.name: method
    for module in (fuels, carbon, power, aluminium, materials)
    for method in module.METHODS
}
"""Every method by its name."""

__all__ = ["METHODS", "Arg", "Method", "coefficients", "resolve"]
