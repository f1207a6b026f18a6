"""The only `import serial`: which serial ports this machine has."""

import os
import termios

from serial.tools import list_ports

SettingRefusedError = termios.error
"""A port that exists but does not take the baud rate, parity or stop bits; no OSError."""


def port_fault(device: str) -> str:
    """Return why a serial port cannot be opened, with the ports that there are; '' if it can."""
    if not os.path.exists(device):
        return (
            f"the serial port {device} does not exist: plug its adapter in, or name another port in the site "
            f"file; {_there_is()}"
        )
    if not os.access(device, os.R_OK | os.W_OK):
        return f"this user may not open {device}: add it to the group that owns the port (often 'dialout')"
    return ""


def parity_of(device: str, wanted: str) -> str:
    """Return the parity to ask the port for: none of a pseudo-terminal, which has no parity bit.

    Its driver drops the bit without a word, and the C library then refuses every later
    setting of the open port, because the parity that was asked for is not there.
    """
    return "N" if os.path.realpath(device).startswith("/dev/pts/") else wanted


def candidates() -> list[str]:
    """Return the serial ports of this machine, by their lasting name where there is one."""
    lasting = "/dev/serial/by-id"
    named = [os.path.join(lasting, name) for name in os.listdir(lasting)] if os.path.isdir(lasting) else []
    covered = {os.path.realpath(path) for path in named}
    plain = [port.device for port in list_ports.comports() if os.path.realpath(port.device) not in covered]
    return sorted(named) + sorted(plain)


def _there_is() -> str:
    found = candidates()
    return "there is " + ", ".join(found) if found else "this machine has no serial port at all"
