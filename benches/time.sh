#!/bin/sh
# Times whole processes: one small file, a tree of 3,000 files (10 MB), single files of 1, 2, 4 and 8 MB.
#
# usage: benches/time.sh [PROGRAM]      (default: target/release/docker-firewall, built if it is not there)
# The inputs are made by benches/tree.awk in a temporary folder. What the figures mean and should be: docs/performance.md.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
program=${1:-$here/../target/release/docker-firewall}
[ -x "$program" ] || (cd "$here/.." && cargo build --release --locked)
program=$(cd "$(dirname "$program")" && pwd)/$(basename "$program")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One run: seconds and peak kB, where GNU time is there to say so. Findings are no failure here.
run() {
    if [ -x /usr/bin/time ]; then
        /usr/bin/time -o "$work/took" -f '%e s, %U s user, %S s system, %M kB' "$@" >/dev/null 2>&1 || true
        tail -n 1 "$work/took"
    else
        began=$(date +%s%N)
        "$@" >/dev/null 2>&1 || true
        echo "$((($(date +%s%N) - began) / 1000000)) ms"
    fi
}

awk 'BEGIN { for (i = 0; i < 2850; i++) printf "group-%02d/app-%04d\n", i % 30, i }' >"$work/folders"
mkdir "$work/tree"
(cd "$work/tree" && xargs mkdir -p <"$work/folders")
awk -v root="$work/tree" -f "$here/tree.awk"

# The start of a process is most of it: the mean of 100 runs, fork and wait of the shell included.
small=$work/tree/group-07/app-0007/compose.yaml
began=$(date +%s%N)
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    for _ in 1 2 3 4 5; do "$program" check "$small" >/dev/null 2>&1 || true; done
done
echo "check of one file of $(wc -c <"$small") bytes: $((($(date +%s%N) - began) / 100000)) us"

files=$(find "$work/tree" -name '*.yaml' | wc -l)
bytes=$(find "$work/tree" -name '*.yaml' -exec cat {} + | wc -c)
echo "check of $files files, $bytes bytes: $(run "$program" check "$work/tree")"

for aliases in 0 1; do
    for mega in 1 2 4 8; do
        awk -v single="$work/long.yaml" -v bytes="$((mega * 1000000))" -v aliases="$aliases" -f "$here/tree.awk"
        kind=$([ "$aliases" = 1 ] && echo 'anchors and aliases' || echo services)
        size=$(wc -c <"$work/long.yaml")
        echo "ports of $size bytes of $kind: $(run "$program" ports -f "$work/long.yaml")"
        echo "check of $size bytes of $kind: $(run "$program" check "$work/long.yaml")"
    done
done
