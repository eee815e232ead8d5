#!/usr/bin/env bash
# Installs the build as a service of systemd below DESTDIR (docs/operations.md, "Installing it"): program, commands, unit,
# user, rights, and a sample configuration if there is none. Enables and starts nothing. DIST is the build, dist by default.
set -euo pipefail
cd "$(dirname "$0")/.."

root=${DESTDIR:-}
dist=${DIST:-dist}
lib=$root/usr/lib/dragonflow-dns
[ -f "$dist/main.js" ] || { echo "install: $dist is not built: run make setup" >&2; exit 1; }

# Beside the old one first: a controller that runs may still load a file of it.
rm -rf "$lib.new" "$lib.old"
mkdir -p "$lib.new/dist"
cp -R "$dist/." "$lib.new/dist"
cp -R package.json README.md docs examples "$lib.new"
install -m 755 deploy/systemd/notify-exec "$lib.new/notify-exec"
install -m 644 deploy/systemd/service.conf "$lib.new/service.conf"
here=$(pwd -P)
npm ls --omit=dev --all --parseable | tail -n +2 | sed "s#^$here/##" |
  tar -c --files-from=- | tar -x -C "$lib.new" --no-same-owner
if [ -e "$lib" ]; then mv "$lib" "$lib.old"; fi
mv "$lib.new" "$lib"
rm -rf "$lib.old"

mkdir -p "$root/usr/bin"
node -p 'Object.entries(require("./package.json").bin).map((pair) => pair.join(" ")).join("\n")' |
  while read -r name path; do
    chmod 755 "$lib/$path"
    ln -sfn "../lib/dragonflow-dns/$path" "$root/usr/bin/$name"
  done

unit() { install -D -m 644 "deploy/systemd/$1" "$root/usr/lib/$2"; }
unit df-local-controller.service systemd/system/df-local-controller.service
unit ovsdb-server.conf systemd/system/ovsdb-server.service.d/dragonflow-dns.conf
unit sysusers.conf sysusers.d/dragonflow-dns.conf
unit tmpfiles.conf tmpfiles.d/dragonflow-dns.conf

if [ ! -e "$root/etc/dragonflow/df.conf" ]; then
  mkdir -p "$root/etc/dragonflow"
  node "$dist/main.js" --sample-config >"$root/etc/dragonflow/df.conf"
fi
