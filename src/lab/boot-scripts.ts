/**
 * The hooks of the DHCP clients in the lab's VMs (docs/lab.md): what a client was told, done to the VM's interface and
 * written down. They are the lab's own, since those of the distribution write the machine's /etc/resolv.conf. Shell text;
 * it knows nothing of how the clients are started.
 */

/** Where a VM's hook writes. */
export interface HookPlaces {
  /** Holds `lease.4` and `lease.6`, what the client was told last. */
  readonly directory: string
  /** The VM's resolv.conf. */
  readonly resolverFile: string
}

/** The hook of dhclient, for DHCPv4 and DHCPv6 (dhclient-script(8)). */
export const dhclientHook = (places: HookPlaces) => `${common(places)}
# RFC 3442: the width, the destination's significant octets and the gateway, again and again.
classless() {
  while [ $# -ge 5 ]; do
    width=$1 octets= place=0
    shift
    while [ $place -lt 4 ]; do
      if [ $width -gt $((place * 8)) ]; then octets=$octets.$1; shift; else octets=$octets.0; fi
      place=$((place + 1))
    done
    echo "\${octets#.}/$width $1.$2.$3.$4"
    shift 4
  done
}

case $reason in
  PREINIT | PREINIT6) ip link set $dev up ;;
  BOUND | RENEW | REBIND | REBOOT)
    address=$new_ip_address mask=$new_subnet_mask router=\${new_routers:-} mtu=\${new_interface_mtu:-}
    dns=\${new_domain_name_servers:-} search=$(unescape "\${new_domain_search:-\${new_domain_name:-}}")
    hostname=\${new_host_name:-} server=\${new_dhcp_server_identifier:-} lease=\${new_dhcp_lease_time:-}
    routes=$(classless \${new_rfc3442_classless_static_routes:-})
    [ "\${old_ip_address:-$address}" = "$address" ] || forget
    configure
    ;;
  BOUND6 | RENEW6 | REBIND6)
    address=\${new_ip6_address:-} mask=\${new_ip6_prefixlen:-128}
    dns=\${new_dhcp6_name_servers:-} search=$(unescape "\${new_dhcp6_domain_search:-}")
    configure6
    ;;
  EXPIRE | FAIL | RELEASE | STOP) forget ;;
  EXPIRE6 | RELEASE6 | STOP6) ip -6 address delete "$old_ip6_address/\${old_ip6_prefixlen:-128}" dev $dev ;;
  TIMEOUT) exit 1 ;;
esac
exit 0
`

/** The hook of busybox's udhcpc. */
export const udhcpcHook = (places: HookPlaces) => `${common(places)}
pairs() {
  while [ $# -ge 2 ]; do echo "$1 $2"; shift 2; done
}

case $1 in
  deconfig) ip link set $dev up; forget ;;
  bound | renew)
    address=$ip mask=$mask router=\${router:-} mtu=\${mtu:-} dns=\${dns:-} search=\${search:-\${domain:-}}
    hostname=\${hostname:-} server=\${serverid:-} lease=\${lease:-}
    routes=$(pairs \${staticroutes:-})
    configure
    ;;
esac
exit 0
`

/**
 * Runs systemd-networkd where it finds no udev (a /sys that cannot be written) and no files of the machine's own, and
 * writes down what it was told: its own form of a lease is private, so only what the others note is taken from it.
 */
export const networkdScript = (places: HookPlaces) => `${common(places)}
set -e
mkdir -p /run/systemd
mount -t tmpfs tmpfs /run/systemd
mount -t sysfs -o ro sysfs /sys
mkdir -p /run/systemd/network /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp
chown -R systemd-network:systemd-network /run/systemd/netif
cp "$directory/eth0.network" /run/systemd/network/
link=/run/systemd/netif/links/$(cat /sys/class/net/$dev/ifindex)
told() { sed -n "s/^$1=//p" "/run/systemd/netif/leases/\${link##*/}"; }
watch() {
  set +e
  while kill -0 $$; do
    sleep 0.2
    state=$(cat "$link" "/run/systemd/netif/leases/\${link##*/}")
    [ "$state" != "$seen" ] || continue
    seen=$state
    dns=$(sed -n 's/^DNS=//p' "$link") search=$(sed -n 's/^DOMAINS=//p' "$link")
    address=$(told ADDRESS) mask=$(told NETMASK) router=$(told ROUTER) routes=$(told ROUTES | tr , ' ')
    mtu=$(told MTU) hostname=$(told HOSTNAME) server=$(told SERVER_ADDRESS) lease=$(told LIFETIME)
    if [ -n "$address" ]; then remember 4; else remember 6; fi
  done
}
watch 2>/dev/null &
exec /lib/systemd/systemd-networkd
`

/** What systemd-networkd does with a VM's interface. */
export const networkdConfig = `[Match]
Name=eth0

[Network]
DHCP=yes
IPv6AcceptRA=yes

[DHCPv4]
ClientIdentifier=mac
UseDomains=yes
UseMTU=yes

[DHCPv6]
UseDomains=yes

[IPv6AcceptRA]
UseDomains=yes
`

const common = ({ directory, resolverFile }: HookPlaces) => `#!/bin/sh
dev=eth0
directory='${directory}'
resolver='${resolverFile}'

# Notes what was told, then writes one resolv.conf of what DHCPv4 and DHCPv6 said: only its last search line counts.
remember() {
  {
    echo "address=$address" && echo "mask=$mask"
    echo "router=\${router:-}" && echo "routes=$(echo \${routes:-})" && echo "mtu=\${mtu:-}"
    echo "dns=$dns" && echo "search=$search" && echo "hostname=\${hostname:-}"
    echo "server=\${server:-}" && echo "lease=\${lease:-}"
  } >"$directory/lease.$1.new"
  mv "$directory/lease.$1.new" "$directory/lease.$1"
  write_resolver
}

# One hook at a time: two that read each other's lease half way would write half of what both were told.
write_resolver() {
  exec 9>"$directory/resolver.lock"
  flock 9
  all() { cat "$directory"/lease.[46] 2>/dev/null | sed -n "s/^$1=//p" | tr -s ' ' '\\n' | awk 'NF && !seen[$0]++'; }
  {
    all dns | sed 's/^/nameserver /'
    domains=$(all search | tr '\\n' ' ')
    [ -z "$domains" ] || echo "search \${domains% }"
  } >"$directory/resolver.$$"
  # The file itself stays: a shell in the VM has it mounted.
  cat "$directory/resolver.$$" >"$resolver"
  rm "$directory/resolver.$$"
  exec 9>&-
}

configure() {
  [ -z "$mtu" ] || ip link set $dev mtu "$mtu"
  ip -4 address replace "$address/$mask" dev $dev
  ip -4 route flush dev $dev proto dhcp
  # RFC 3442: whoever is told classless routes takes no heed of the router.
  if [ -n "$routes" ]; then
    echo "$routes" | while read -r destination gateway; do
      case $gateway in
        0.0.0.0 | "$address") ip -4 route replace "$destination" dev $dev scope link proto dhcp ;;
        *) ip -4 route replace "$destination" via "$gateway" dev $dev proto dhcp ;;
      esac
    done
  elif [ -n "$router" ]; then
    ip -4 route replace default via "\${router%% *}" dev $dev proto dhcp
  fi
  remember 4
}

configure6() {
  [ -z "$address" ] || ip -6 address replace "$address/$mask" dev $dev
  remember 6
}

forget() {
  ip -4 address flush dev $dev
  rm -f "$directory/lease.4"
  write_resolver
}

# dhclient's form of a domain has a dot at the end, and quotes around what it finds odd.
unescape() { echo "$1" | sed "s/[\\"',]//g; s/\\\\. / /g; s/\\\\.\\$//"; }
`
