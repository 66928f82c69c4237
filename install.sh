#!/bin/sh
# Puts the plugin where the docker client looks for it, and checks that the client sees it. Run it again to update.
set -eu
umask 022

name=docker-firewall
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

usage() {
    cat <<TEXT
Usage: ./install.sh [--binary FILE] [--dir DIR] [--uninstall]

Builds $name with cargo and installs it as the plugin \`docker firewall\`: for all users when run by root, else for
this user. A link in a folder on the PATH makes it a command of its own too: podman's docker has no plugins.

  --binary FILE  install FILE instead of building
  --dir DIR      install into DIR, and make no link
  --uninstall    remove what was installed
TEXT
}

say() { printf '%s\n' "$*"; }
fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

binary='' dir='' uninstall=no
while [ $# -gt 0 ]; do
    case $1 in
        --binary | --dir)
            if [ -z "${2:-}" ]; then fail "$1 needs a value"; fi
            if [ "$1" = --binary ]; then binary=$2; else dir=$2; fi
            shift
            ;;
        --uninstall) uninstall=yes ;;
        -h | --help) usage && exit 0 ;;
        *) usage >&2 && fail "no such option: $1" ;;
    esac
    shift
done

# The first folder on the PATH, of those that are for programs of this user (or of all users), that is there.
folder_on_path() {
    if [ "$user" = 0 ]; then set -- /usr/local/bin; else set -- "$HOME/.local/bin" "${CARGO_HOME:-$HOME/.cargo}/bin"; fi
    for folder; do
        case ":$PATH:" in
            *":$folder:"*) if [ -d "$folder" ]; then say "$folder" && return; fi ;;
        esac
    done
}

user=$(id -u)
links='' undo="$0 --uninstall"
if [ -n "$dir" ]; then
    undo="$undo --dir $dir"
elif [ "$user" = 0 ]; then
    dir=/usr/local/lib/docker/cli-plugins
    links=$(folder_on_path)
else
    dir=${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins
    links=$(folder_on_path)
fi
# Absolute: a link and the docker client's answer are compared with it.
case $dir in
    /*) ;;
    *) dir=$(pwd)/$dir ;;
esac
plugin=$dir/$name
link=${links:+$links/$name}

# True if the link is the one that we make.
is_our_link() { [ -n "$link" ] && [ -L "$link" ] && [ "$(readlink "$link")" = "$plugin" ]; }

if [ "$uninstall" = yes ]; then
    if is_our_link; then rm -f -- "$link" && say "removed $link"; fi
    if [ -L "$plugin" ]; then fail "$plugin is a link that was not made here: it stays"; fi
    if [ -f "$plugin" ]; then rm -f -- "$plugin" && say "removed $plugin"; else say "$plugin is not there"; fi
    exit 0
fi

if [ -z "$binary" ]; then
    command -v cargo >/dev/null || fail 'cargo is not there: install a Rust toolchain, or give --binary FILE'
    cargo build --release --locked --bin "$name" --manifest-path "$here/Cargo.toml" --target-dir "$here/target"
    binary=$here/target/release/$name
fi
[ -f "$binary" ] || fail "$binary is no file"
if [ -L "$plugin" ]; then fail "$plugin is a link that was not made here: remove it first"; fi
if [ -e "$plugin" ] && [ ! -f "$plugin" ]; then fail "$plugin is in the way: it is no file"; fi

# The docker client keeps the folder of its configuration to its user.
if [ "$user" != 0 ]; then (umask 077 && mkdir -p -- "$(dirname -- "$dir")"); fi
mkdir -p -- "$dir"
new=$(mktemp "$dir/.$name.XXXXXX")
trap 'rm -f -- "$new"' EXIT
trap 'exit 1' HUP INT TERM
cp -- "$binary" "$new"
chmod 0755 "$new"
"$new" docker-cli-plugin-metadata 2>/dev/null | grep -q '"SchemaVersion": *"0\.1\.0"' ||
    fail "$binary does not answer as a docker client plugin on this machine"
mv -f -- "$new" "$plugin"
say "installed $plugin"
say "to undo: $undo"

if [ -n "$link" ] && ! is_our_link; then
    if [ -e "$link" ] || [ -L "$link" ]; then
        say "$link was not made here: it stays as it is"
    else
        ln -s -- "$plugin" "$link" && say "linked $link"
    fi
fi
if is_our_link; then command=$name; else command=$plugin; fi

# What the client knows of the plugin. It is asked without a daemon, so that one far away cannot hold us up.
seen() {
    DOCKER_HOST=unix:///dev/null docker info --format \
        "{{range .ClientInfo.Plugins}}{{if eq .Name \"firewall\"}}{{$1}}{{end}}{{end}}" 2>/dev/null || :
}
if command -v docker >/dev/null; then
    path=$(seen .Path)
    wrong=$(seen .Err)
    case $path in
        "$plugin")
            case $wrong in
                '' | '<nil>') say 'the docker client sees it: docker firewall --help' ;;
                *) fail "the docker client refuses it: $wrong" ;;
            esac
            ;;
        '') say "the docker client here does not look in $dir, or knows no plugins: run $command --help" ;;
        *) fail "the docker client takes $path instead, which it finds first: remove it, or install there with --dir" ;;
    esac
else
    say "no docker client is here: run $command --help"
fi
if [ "$user" != 0 ]; then say 'sudo docker firewall does not see the plugin of one user: for that, run this with sudo too'; fi
