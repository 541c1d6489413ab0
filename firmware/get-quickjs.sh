#!/bin/sh
# Gets the sources of a QuickJS from Debian, and builds its bytecode compiler for this machine:
#
#     firmware/get-quickjs.sh bellard DIR    QuickJS 2025-04-26, from trixie's source package
#     firmware/get-quickjs.sh ng DIR         QuickJS-ng 0.17, from forky's package of its sources
#
# DIR is then what `make QUICKJS=DIR` wants. Works on any Debian, whichever suite it runs: apt is given lists, a cache and a state
# of its own below DIR, and a list of sources that is the machine's own with another suite's name. Signatures are verified against
# Debian's archive keyring. Nothing outside DIR is changed, no package is installed, and no root is needed.
#
# Needs apt, dpkg-dev, make, gcc and debian-archive-keyring.

set -eu

usage() {
  echo "usage: $0 bellard|ng DIR" >&2
  exit 2
}

[ $# -eq 2 ] || usage
case $1 in
  bellard) suite=trixie types=deb-src package=quickjs ;;
  ng) suite=forky types=deb package=qjs-src ;;
  *) usage ;;
esac
[ -n "$2" ] || usage

# (qjsc is made last.)
if [ -x "$2/qjsc" ]; then
  echo "$2 is there already"
  exit 0
fi

mkdir -p "$2"
dir=$(cd "$2" && pwd)
apt=$dir/.apt
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
trap 'rm -rf "$apt"' EXIT
trap 'exit 1' INT TERM

# Where this machine gets its own suite from.
own_suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-sid}")
mirror=$(apt-get indextargets --no-release-info --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
  awk -v own="$own_suite" '($1 == own || $1 == "sid" || $1 == "stable") && $2 == "main" { print $3; exit }')
[ -n "$mirror" ] || { echo "no source of Debian packages in this machine's apt configuration" >&2; exit 1; }
[ -f "$keyring" ] || { echo "no $keyring: install debian-archive-keyring" >&2; exit 1; }

mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/get"
echo "$types [signed-by=$keyring] $mirror $suite main" > "$apt/sources.list"

# (The lists are kept as they come: what matters is one package. As root, apt would hand its work to a user who cannot write
# here.)
own_apt() {
  (cd "$apt/get" && apt-get -q -o Dir::State="$apt" -o Dir::State::lists="$apt/lists" -o Dir::State::status=/dev/null \
    -o Dir::Cache="$apt" -o Dir::Cache::archives="$apt/archives" \
    -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
    -o Acquire::Languages=none -o APT::Sandbox::User="$(id -un)" "$@")
}

own_apt update
if [ "$types" = deb-src ]; then
  own_apt --only-source source "$package"
  cp -R "$apt/get/$package"-*/. "$dir"
else
  own_apt download "$package"
  dpkg-deb -x "$apt/get/$package"_*.deb "$apt/tree"
  cp -R "$(dirname "$(find "$apt/tree" -name quickjs.h)")/." "$dir"
fi

# The engine's sources, whichever of them this one has; the rest are its own programs and tests.
sources=
for name in qjsc quickjs quickjs-libc libregexp libunicode dtoa cutils; do
  if [ -f "$dir/$name.c" ]; then sources="$sources $name.c"; fi
done
version=$(cat "$dir/VERSION" 2> /dev/null || echo unknown)
echo "building $dir/qjsc"
cd "$dir"
# shellcheck disable=SC2086
"${CC:-cc}" -O1 -w -D_GNU_SOURCE -fwrapv -funsigned-char \
  -DCONFIG_VERSION="\"$version\"" -DCONFIG_CC='"cc"' -DCONFIG_PREFIX='"/usr"' \
  -o qjsc.new $sources -lm -ldl -lpthread
mv qjsc.new qjsc
