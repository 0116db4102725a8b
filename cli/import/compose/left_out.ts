/**
 * What a service of a Compose file may say and a definition cannot.
 *
 * @module
 */

/** By field: what it is about, and what to do about it; empty when nothing need be done. */
export const cannot: Readonly<Record<string, readonly [what: string, todo: string]>> = {
  annotations: ["notes for the runtime", ""],
  attach: ["whose output Compose shows", "Look with `mcp logs`"],
  blkio_config: ["limits of its disks", ""],
  cgroup: ["its control group", ""],
  cgroup_parent: ["its control group", ""],
  cpu_count: ["a number of processors of Windows", ""],
  cpu_percent: ["a share of processors of Windows", ""],
  cpu_period: ["the period of its share of processors", "Write the share into `cpus`"],
  cpu_quota: ["its share of processors", "Write it into `cpus`: the quota by the period"],
  cpu_rt_period: ["its share of real time", ""],
  cpu_rt_runtime: ["its share of real time", ""],
  cpu_shares: ["its weight among containers", "Write a limit into `cpus`"],
  cpuset: ["which processors it may use", "Write how many into `cpus`"],
  credential_spec: ["an account of Windows", ""],
  develop: ["what it is developed with", ""],
  device_cgroup_rules: ["rules about devices", "Name the devices in `devices`"],
  dns: ["its name servers", "The network's or the node's own are asked"],
  dns_opt: ["how its name servers are asked", ""],
  dns_search: ["where names are completed", "Write whole names"],
  domainname: ["its domain", "Write the whole name into `hostname`"],
  external_links: ["containers of others under other names", "Write their real names"],
  extra_hosts: [
    "names that stand in its hosts file",
    "Write addresses, or names that a name server knows",
  ],
  gpus: ["its graphics processors", 'Name their devices in `devices`, e.g. "/dev/dri/renderD128"'],
  group_add: ["further groups of its user", 'Write `user = "user:group"`'],
  init: [
    "a first process that reaps others",
    "Have the image bring one, e.g. tini as its entrypoint",
  ],
  isolation: ["a way of Windows to keep containers apart", ""],
  label_file: ["labels in a file", "Write them into `labels`"],
  logging: ["where its output goes", "The node keeps it, and limits its size, for all alike"],
  mac_address: ["its address on the wire", ""],
  mem_reservation: ["memory that is set aside", "Write a limit into `memory`"],
  mem_swappiness: ["how readily it is swapped out", ""],
  memswap_limit: ["a limit of memory and swap together", "Write a limit into `memory`"],
  models: ["models that are run for it", "Write a component that serves them"],
  oom_kill_disable: ["that it is never killed for memory", ""],
  oom_score_adj: ["how soon it is killed for memory", ""],
  platform: [
    "the platform of its image",
    "The node's own is pulled; name an image by digest for another",
  ],
  post_start: [
    "what runs in it after its start",
    'Write a component with kind = "job", or change the image',
  ],
  pre_stop: ["what runs in it before it stops", "Have its process do it at `stop_signal`"],
  provider: ["something that a plugin of Compose runs", ""],
  runtime: ["the runtime it runs in", "The node has one for all"],
  security_opt: ["how it is confined", "It runs as an unprivileged user of the node anyway"],
  stdin_open: ["an input that stays open", ""],
  storage_opt: ["the size of its own files", ""],
  sysctls: ["settings of the kernel in it", "Set them on the node where they are about all of it"],
  tty: ["a terminal", ""],
  use_api_socket: ["the engine's socket", ""],
  userns_mode: ["its user namespace", "All of the node's containers are rootless"],
  volumes_from: ["the volumes of another service", "Write each into `volumes`"],
};
