/**
 * What has to be installed for a machine: what it boots, and what a bare node is expected to have.
 *
 * @module
 */

import type { Packages } from "../../deploy/sandbox/packages.ts";

/** Beyond those of the sandbox. The machine shows this system's /usr: installed here is installed there. */
export const machinePackages: Packages = {
  systemd: "systemctl",
  dbus: "dbus-daemon",
  // Without both there is no user manager, and podman cannot ask it for control groups.
  "dbus-user-session": "/usr/share/dbus-1/services/org.freedesktop.systemd1.service",
  "libpam-systemd": "/usr/share/pam-configs/systemd",
  iproute2: "ip",
  passwd: "usermod",
  procps: "pkill",
};
