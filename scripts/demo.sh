#!/bin/sh
# The tour, on a machine that may have nothing but Rust: scripts/demo.sh [--yes]
#
# Installs what is missing, having asked (--yes answers), then builds the program and runs `toysoldiers demo`.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=scripts/install.sh
. scripts/install.sh

if [ "${1:-}" = --yes ]; then
    assume_yes=1
    shift
fi
need compiler "Rust links programs with it"
need postgresql "the tour starts a private server of its own"
install_missing

exec cargo run --release -- demo "$@"
