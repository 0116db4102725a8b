# Sourced by the findings about podman: a place of its own for podman, as root, that leaves nothing behind.
#
# The script is started again in its own mount, network and process namespaces: containers, their networks and
# podman's helpers end with it, and nothing of the machine's own podman is touched. Control groups are left out,
# so that it does not matter how the machine has mounted them. Gives $tmp, podman and the image `box`.

if [ "$(id -u)" != 0 ]; then echo "Run this as root." >&2; exit 1; fi
if [ -z "${FINDING_FOLDER-}" ]; then
  found=$(podman --version 2> /dev/null || echo none)
  if [ "$found" != "podman version 4.3.1" ]; then
    echo "This is about podman 4.3.1 of Debian 12, which has to be installed; found: $found." >&2
    exit 1
  fi
  FINDING_FOLDER=$(mktemp -d -p /var/tmp)
  export FINDING_FOLDER
  trap 'rm -rf "$FINDING_FOLDER"' EXIT
  box=busybox-static=1:1.35.0-4+deb12u1+b1
  (cd "$FINDING_FOLDER" && timeout 300 apt-get download -qq "$box" 2> apt ||
    { cat apt >&2; echo "Debian no longer has $box." >&2; exit 1; })
  timeout 120 unshare --mount --net --pid --fork --kill-child --mount-proc bash "$0"
  exit
fi
tmp=$FINDING_FOLDER
leave() {
  podman rm --all --force --time 0 > "$tmp/left" 2>&1 || true
  umount "$tmp/graph/overlay" 2> "$tmp/left" || true
}
trap leave EXIT
mount --make-rprivate /
if [ "$(stat -fc %T /sys/fs/cgroup)" != cgroup2fs ]; then
  umount -R /sys/fs/cgroup
  mount -t cgroup2 none /sys/fs/cgroup
fi
mount -t tmpfs none /run
mount --make-rshared /
ip link set lo up

cat > "$tmp/containers.conf" <<END
[containers]
cgroups = "disabled"
pids_limit = 0
log_driver = "k8s-file"
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "$tmp/events"
[network]
network_backend = "netavark"
network_config_dir = "$tmp/networks"
END
printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' "$tmp/graph" "$tmp/run" > "$tmp/storage.conf"
export CONTAINERS_CONF=$tmp/containers.conf CONTAINERS_STORAGE_CONF=$tmp/storage.conf
podman() { timeout 60 podman "$@"; }

dpkg -x "$tmp"/*.deb "$tmp/box"
mkdir -p "$tmp/image/bin"
cp "$tmp/box/bin/busybox" "$tmp/image/bin/busybox"
for name in sh sleep cat env nslookup usleep; do ln -s busybox "$tmp/image/bin/$name"; done
tar --create --directory "$tmp/image" . | podman import --quiet - box > "$tmp/imported" 2>&1
