#!/usr/bin/env bash
# Makes a fresh Debian 12 machine (root, Node 20) ready: Debian packages where a command is missing, node_modules, dist.
# Does nothing that is already done. The services that a package would start on installation are not started.
# Packages that are named as arguments are installed, too: `bash scripts/setup.sh dnsperf ovn-central ovn-host`.
set -euo pipefail
cd "$(dirname "$0")/.."

# command -> Debian package
needed=(
  ovs-vswitchd:openvswitch-switch
  ovs-ofctl:openvswitch-common
  dig:bind9-dnsutils
  dnsmasq:dnsmasq-base
  unbound:unbound
  dbus-daemon:dbus-daemon
  tcpdump:tcpdump
  ethtool:ethtool
  ip:iproute2
  ping:iputils-ping
  nft:nftables
  python3:python3-minimal
  dhclient:isc-dhcp-client
  busybox:busybox
  promtool:prometheus
  systemd-analyze:systemd
  etcd:etcd-server
  etcdctl:etcd-client
)

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

command -v node >/dev/null || fail 'node is missing: install Node.js 20.19 or later'
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  fail "node $(node --version) is too old: install Node.js 20.19 or later"

export PATH="$PATH:/usr/sbin:/sbin"
missing=()
for package in "$@"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
for entry in "${needed[@]}"; do
  command -v "${entry%%:*}" >/dev/null || missing+=("${entry##*:}")
done

if ((${#missing[@]})); then
  [ "$(id -u)" = 0 ] || fail "these packages are missing and only root can install them: ${missing[*]}"
  command -v apt-get >/dev/null || fail "this is not Debian: install by hand what provides ${missing[*]}"
  say "installing ${missing[*]}"
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  command -v epmd >/dev/null || no_epmd=1
  log=$(mktemp)
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
    >"$log" 2>&1 || { cat "$log" >&2; fail 'apt-get failed (its output is above)'; }
  rm -f "$log"
  # RabbitMQ's package leaves Erlang's port mapper running, whatever the policy says.
  [ -z "${no_epmd:-}" ] || ! command -v epmd >/dev/null || epmd -kill >/dev/null 2>&1 || true
fi

stamp() { sha256sum package-lock.json package.json | sha256sum | cut -d' ' -f1; }
if [ "$(cat node_modules/.setup-stamp 2>/dev/null)" != "$(stamp)" ]; then
  say 'installing node packages'
  npm ci --loglevel=error --no-audit --no-fund >&2
  stamp >node_modules/.setup-stamp
fi

# Unpacked, not installed: the package would take over this machine's own resolv.conf. Its library is installed, if it is
# not there in any version, for what it depends on.
resolved=node_modules/.cache/df-systemd-resolved
if [ ! -x "$resolved/lib/systemd/systemd-resolved" ]; then
  say 'unpacking systemd-resolved'
  log=$(mktemp) folder=$(mktemp -d)
  {
    if [ "$(id -u)" = 0 ]; then
      apt-get update -qq
      dpkg -s libsystemd-shared || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libsystemd-shared
    fi
    (cd "$folder" && apt-get download -qq systemd-resolved libsystemd-shared)
    mkdir -p "$resolved"
    for package in "$folder"/*.deb; do dpkg -x "$package" "$resolved"; done
  } >"$log" 2>&1 || { cat "$log" >&2; fail 'systemd-resolved cannot be unpacked (the output is above)'; }
  rm -rf "$log" "$folder"
fi

say 'building'
rm -rf dist
npm run --silent build
