#!/bin/sh
# Installs the real servers and the browser that some tests use, where it may: as root, with
# apt-get. Elsewhere it says which tests are left out. It never fails because of them.
set -u
PATH=$PATH:/usr/sbin:/sbin

# command | Debian packages | tests that need it
needs() {
    cat <<'LIST'
mosquitto|mosquitto|the way over a real broker: tests/mqtt, tests/system, parts of tests/agent and tests/gateway
influxd|influxdb|the InfluxDB projection against a real server: tests/gateway
victoria-metrics|victoria-metrics|the same projection against VictoriaMetrics: tests/gateway
chromium|chromium chromium-driver|the page in a real browser: tests/page, tests/system/test_latency.py
faketime|faketime|stepped clocks: tests/chaos
strace|strace|disks that refuse single writes: tests/chaos
mkfs.ext4|e2fsprogs|power cuts, by a file system in a file: tests/chaos
LIST
}

missing_packages() {
    needs | while IFS='|' read -r command packages _; do
        command -v "$command" >/dev/null 2>&1 || echo "$packages"
    done | tr '\n' ' '
    if command -v apt-get >/dev/null 2>&1 && ! python3 -c 'import ensurepip' >/dev/null 2>&1; then
        printf 'python3-venv '
    fi
}

install() {
    echo "Installing what the tests need: $*"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq </dev/null >/dev/null 2>&1 || echo "provision: apt-get update failed; trying with the lists there are"
    for package in "$@"; do
        apt-get install -y -qq --no-install-recommends "$package" </dev/null >/dev/null 2>&1 ||
            echo "provision: Debian package '$package' could not be installed"
    done
}

missing=$(missing_packages)
if [ -n "$(echo "$missing" | tr -d ' ')" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        # shellcheck disable=SC2086 # one word per package
        install $missing
    else
        echo "provision: not root, or no apt-get: these Debian packages are not installed: $missing"
    fi
fi

needs | while IFS='|' read -r command packages tests; do
    command -v "$command" >/dev/null 2>&1 || echo "LEFT OUT for want of '$command' (Debian: $packages): $tests"
done
exit 0
