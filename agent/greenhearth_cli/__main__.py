"""Lets ``python -m greenhearth_cli`` do what ``greenhearth`` does."""

from greenhearth_cli.main import app

if __name__ == "__main__":
    app(prog_name="greenhearth")
