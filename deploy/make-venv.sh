#!/bin/sh
# make-venv.sh PYTHON FOLDER: a virtual environment, or a sentence that says what is missing.
set -eu
python=$1
folder=$2

if ! command -v "$python" >/dev/null 2>&1; then
    echo "make: there is no '$python'; install Python 3.11 or later, or name one: make PYTHON=python3.12" >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "make: $("$python" -V) is too old; greenhearth needs 3.11 or later: make PYTHON=python3.12" >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip' >/dev/null 2>&1; then
    echo "make: this Python cannot make virtual environments; on Debian: apt-get install python3-venv" >&2
    exit 1
fi
echo "Making $folder with $("$python" -V) ..."
"$python" -m venv "$folder"
