#!/bin/sh
# Puts Docker Compose 2.40 where the differential tests look for it: Debian's package `docker-compose` of a newer suite, fetched with
# apt from the archive that this system already uses, and unpacked without being installed. `docker-compose config` needs no daemon.
#
# usage: tests/reference/install.sh [FOLDER]      (default: /opt/docker-compose-2.40)
# The system's own apt configuration is not changed. Does nothing when the program is there already. Where it cannot be had (no
# Debian, no network, another architecture) it says so and ends with 0: the tests then compare with the committed answers alone.
set -eu

wanted=2.40
folder=${1:-/opt/docker-compose-$wanted}
program=$folder/usr/bin/docker-compose
suites='sid forky'

skip() {
    echo "docker-compose $wanted: $1; the differential tests compare with the committed answers alone" >&2
    exit 0
}

if [ -x "$program" ] && "$program" version --short 2>/dev/null | grep -q "^v\{0,1\}$wanted"; then
    echo "$program"
    exit 0
fi
if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then skip 'no apt here'; fi

# shellcheck disable=SC2016 # apt fills these in, not the shell
archive=$(apt-get indextargets --format '$(LABEL)|$(REPO_URI)' 2>/dev/null | sed -n 's/^Debian|//p' | head -n 1)
[ -n "$archive" ] || skip 'apt knows no Debian archive (has apt-get update been run?)'
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keyring" ] || skip "no $keyring"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/sources"
: >"$work/status"
for suite in $suites; do
    echo "deb [signed-by=$keyring] $archive $suite main" >"$work/sources/$suite.list"
done

private_apt() {
    apt-get -qq -o APT::Sandbox::User=root -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/sources" \
        -o "Dir::State::lists=$work/lists" -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache" \
        -o Acquire::Check-Valid-Until=false -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@"
}

private_apt update >&2 || skip 'the package lists cannot be fetched'
(cd "$work" && private_apt download "docker-compose=$wanted*" >&2) || skip 'the package cannot be fetched'
mkdir -p "$folder"
dpkg -x "$work"/docker-compose_*.deb "$folder" || skip "cannot unpack into $folder"
if [ ! -x "$program" ]; then
    # The package also serves as a plugin of the docker client; the program is the same.
    plugin=$(find "$folder" -name docker-compose -type f -perm -u+x | head -n 1)
    [ -n "$plugin" ] || skip 'the package holds no docker-compose'
    mkdir -p "$folder/usr/bin"
    ln -sf "$plugin" "$program"
fi
version=$("$program" version --short) || skip 'the program does not run here'
case ${version#v} in
"$wanted"*) echo "$program" ;;
*) skip "the archive has $version" ;;
esac
