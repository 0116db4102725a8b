/**
 * What a quadlet may say and a definition cannot.
 *
 * @module
 */

const needlessAtBoot = "the agent starts after a boot what should run";

/** By "Section.Key": what it is about, and what to do about it; empty when nothing need be done. */
export const cannot: Readonly<Record<string, readonly [what: string, todo: string]>> = {
  "Container.AddHost": [
    "names in its hosts file",
    "Write addresses, or names that a name server knows",
  ],
  "Container.Annotation": ["notes for the runtime", ""],
  "Container.AutoUpdate": [
    "that its image is replaced by itself",
    "Run `mcp deploy` when there is a new one",
  ],
  "Container.CgroupsMode": ["its control groups", ""],
  "Container.ContainersConfModule": ["a part of podman's own config", ""],
  "Container.DNS": ["its name servers", "The network's or the node's own are asked"],
  "Container.DNSOption": ["how its name servers are asked", ""],
  "Container.DNSSearch": ["where names are completed", "Write whole names"],
  "Container.EnvironmentHost": ["all variables of the node", "Write those it needs into `env`"],
  "Container.ExposeHostPort": [
    "needless: containers of one network reach every port of each other",
    "",
  ],
  "Container.GIDMap": ["its numbers of groups on the node", ""],
  "Container.GlobalArgs": ["arguments of podman itself", ""],
  "Container.GroupAdd": ["further groups of its user", ""],
  "Container.HealthLogDestination": ["where health checks are logged", ""],
  "Container.HealthMaxLogCount": ["how much of health checks is logged", ""],
  "Container.HealthMaxLogSize": ["how much of health checks is logged", ""],
  "Container.HealthOnFailure": [
    "what podman does when it is not well",
    "The agent tells; it does nothing by itself",
  ],
  "Container.HealthStartupCmd": [
    "a health check for its start alone",
    "One check is asked fast while it is deployed",
  ],
  "Container.HealthStartupInterval": ["a health check for its start alone", ""],
  "Container.HealthStartupRetries": ["a health check for its start alone", ""],
  "Container.HealthStartupSuccess": ["a health check for its start alone", ""],
  "Container.HealthStartupTimeout": ["a health check for its start alone", ""],
  "Container.HttpProxy": ["the node's proxies", "Write them into `env`"],
  "Container.IP": ["its address on the network", ""],
  "Container.IP6": ["its address on the network", ""],
  "Container.LogDriver": ["where its output goes", "The node keeps it for all alike"],
  "Container.LogOpt": ["how its output is kept", "The node keeps it for all alike"],
  "Container.Mask": ["paths that it does not see", ""],
  "Container.NetworkAlias": [
    "other names for it on its network",
    "Others reach it by its container's name only",
  ],
  "Container.NoNewPrivileges": [
    "that it gains no privileges",
    "It runs as an unprivileged user of the node anyway",
  ],
  "Container.Notify": [
    "that it says itself when it is ready",
    "Write a `healthcheck`: the agent asks",
  ],
  "Container.Pod": ["that it shares a pod", "Write one `network` for its components"],
  "Container.ReadOnlyTmpfs": [
    "folders in memory of a read-only container",
    "Write them into `tmpfs`",
  ],
  "Container.ReloadCmd": ["how it is told to read its files again", ""],
  "Container.ReloadSignal": ["how it is told to read its files again", ""],
  "Container.Retry": ["how often its image is asked for", ""],
  "Container.RetryDelay": ["how often its image is asked for", ""],
  "Container.Rootfs": ["a folder in place of an image", "Make an image of it: `podman import`"],
  "Container.RunInit": [
    "a first process that reaps others",
    "Have the image bring one, e.g. tini as its entrypoint",
  ],
  "Container.SeccompProfile": ["how it is confined", ""],
  "Container.ServiceName": ["the name of its unit", ""],
  "Container.StartWithPod": ["that it starts with its pod", ""],
  "Container.SubGIDMap": ["its numbers of groups on the node", ""],
  "Container.SubUIDMap": ["its numbers of users on the node", ""],
  "Container.Sysctl": [
    "settings of the kernel in it",
    "Set them on the node where they are about all of it",
  ],
  "Container.Timezone": ["its time zone", "Write TZ into `env`: most images heed it"],
  "Container.UIDMap": ["its numbers of users on the node", ""],
  "Container.Unmask": ["paths that it sees", ""],
  "Container.UserNS": ["its user namespace", "All of the node's containers are rootless"],
  "Unit.Description": ["its description", ""],
  "Unit.Documentation": ["where it is described", ""],
  "Unit.Before": ["what waits for it", "Write it into `depends_on` of the others"],
  "Unit.PartOf": ["with what it is stopped", "A service is stopped as a whole"],
  "Service.TimeoutStartSec": [
    "how long its start may take",
    "`start_period` of a health check says it",
  ],
  "Service.RestartSec": [
    "how long to wait before it is brought back",
    "podman brings back at once",
  ],
  "Install.WantedBy": [`needless: ${needlessAtBoot}`, ""],
  "Install.RequiredBy": [`needless: ${needlessAtBoot}`, ""],
  "Install.UpheldBy": [`needless: ${needlessAtBoot}`, ""],
};
