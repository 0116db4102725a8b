# A node on NixOS. Units, tmpfiles and podman's settings are those of ../node; nothing is said twice.
#
#   imports = [ ./deploy/nix/mcp-agent.nix ];
#   services.mcp-agent = {
#     enable = true;
#     executable = ./dist/mcp-agent; # what `deno task build` makes
#     nodeName = "rift";
#     address = "100.95.252.120:9444";
#   };
#
# Then, once and as root: `mcp-agent-first`, which makes certificate, registry and first token and says
# what to paste on the workstation, and `systemctl start mcp-agent`. `mcp-agent install` is not for NixOS.
{ config, lib, pkgs, ... }:

let
  cfg = config.services.mcp-agent;
  node = ../node;
  folder = "/srv/mcp";
  configFile = "${folder}/mcp-agent.toml";

  # Unpacked here once, where nobody can change it; it looks for this folder before any other. Started
  # in the end it fails where there is no loader, which does not matter.
  program = pkgs.runCommand "mcp-agent" { } ''
    install -D -m 0755 ${cfg.executable} $out/bin/mcp-agent
    XDG_CACHE_HOME=$TMPDIR ${pkgs.runtimeShell} $out/bin/mcp-agent --version || true
    mkdir -p $out/lib/mcp
    cp -r $TMPDIR/mcp/[0-9a-f]* $out/lib/mcp/
    rm -rf $out/lib/mcp/*.compiled
    test -x $out/lib/mcp/*/deno
  '';

  # Paths of Debian's, and what stands for them here.
  placed = builtins.replaceStrings
    [ "@UID@" "/usr/local/bin/mcp-agent" "/usr/bin/podman" "/usr/bin/true" "/bin/kill" ]
    [
      (toString cfg.uid)
      "${program}/bin/mcp-agent"
      "${pkgs.podman}/bin/podman"
      "${pkgs.coreutils}/bin/true"
      "${pkgs.procps}/bin/kill"
    ];

  # The setuid newuidmap of this system, podman, and what unpacks and starts the program.
  searched = "/run/wrappers/bin:" + lib.makeBinPath [
    pkgs.podman
    pkgs.coreutils
    pkgs.findutils
    pkgs.gnutar
    pkgs.gzip
  ];

  # A second section of a name adds to the first. Before there is a config there is nothing to serve;
  # and a new generation must not stop every container.
  unitOf = name:
    let text = placed (builtins.readFile (node + "/systemd/${name}")); in {
      text = text
        + lib.optionalString (lib.hasSuffix ".service" name) "\n[Service]\nEnvironment=PATH=${searched}\n"
        + lib.optionalString (name == "mcp-agent.service") "\n[Unit]\nConditionPathExists=${configFile}\n"
        + lib.optionalString (name == "mcp-containers.service") "X-RestartIfChanged=false\n";
      wantedBy = wantedByOf text;
    };

  wantedByOf = text:
    let found = builtins.match ".*\nWantedBy=([a-z.-]+)\n.*" text; in
    if found == null then [ ] else found;

  rulesOf = text: builtins.filter
    (line: line != "" && !(lib.hasPrefix "#" line))
    (lib.splitString "\n" text);

  asNodeUser = "${pkgs.util-linux}/bin/setpriv --reuid=mcp --regid=mcp --init-groups";

  first = pkgs.writeShellScriptBin "mcp-agent-first" ''
    exec ${asNodeUser} ${program}/bin/mcp-agent init ${lib.escapeShellArgs [
      "--config" configFile
      "--node-name" cfg.nodeName
      "--address" cfg.address
      "--listen" cfg.listen
      "--podman-url" "unix:///run/mcp-podman/podman.sock"
    ]} "$@"
  '';
in
{
  options.services.mcp-agent = {
    enable = lib.mkEnableOption "the node's side of MCP, the Metacircular Control Plane";
    executable = lib.mkOption {
      type = lib.types.path;
      description = "The file mcp-agent that `deno task build` makes.";
    };
    nodeName = lib.mkOption {
      type = lib.types.str;
      description = "What operators call this node.";
    };
    address = lib.mkOption {
      type = lib.types.str;
      description = "Where operators dial this node, as HOST:PORT; the certificate is made out to it.";
    };
    listen = lib.mkOption {
      type = lib.types.str;
      default = cfg.address;
      description = "Where the agent listens, if that is not the same; an IP address with a port.";
    };
    settings = lib.mkOption {
      type = lib.types.nullOr (pkgs.formats.toml { }).type;
      default = null;
      description = ''
        The whole of mcp-agent.toml. Certificate and registry are then provisioned by other means than
        `mcp-agent-first`, which makes a config of its own.
      '';
    };
    uid = lib.mkOption {
      type = lib.types.int;
      default = 979;
      description = "The number of the user mcp: it is in paths that units name.";
    };
    subordinateIds = lib.mkOption {
      type = lib.types.int;
      default = 2000000;
      description = "The first of the 65536 user and group ids for users inside containers.";
    };
  };

  config = lib.mkIf cfg.enable {
    users.groups.mcp.gid = cfg.uid;
    users.users.mcp = {
      isSystemUser = true;
      uid = cfg.uid;
      group = "mcp";
      home = "/var/lib/mcp";
      description = "MCP agent";
      # A systemd of its own from boot on: podman puts containers into its control groups.
      linger = true;
      subUidRanges = [ { startUid = cfg.subordinateIds; count = 65536; } ];
      subGidRanges = [ { startGid = cfg.subordinateIds; count = 65536; } ];
    };

    virtualisation.podman.enable = true;
    # The program brings its own Deno, which asks for the loader that other distributions have.
    programs.nix-ld.enable = true;
    environment.systemPackages = [ program first ];

    systemd.units = builtins.mapAttrs (name: _: unitOf name) (builtins.readDir (node + "/systemd"));

    systemd.tmpfiles.rules = rulesOf (builtins.readFile (node + "/tmpfiles.d/mcp.conf")) ++ [
      "d /var/lib/mcp/.config/containers 0755 mcp mcp -"
      "L+ /var/lib/mcp/.config/containers/containers.conf - - - - ${node + "/containers/containers.conf"}"
      "L+ /var/lib/mcp/.config/containers/storage.conf - - - - ${node + "/containers/storage.conf"}"
    ] ++ lib.optional (cfg.settings != null)
      "L+ ${configFile} - - - - ${(pkgs.formats.toml { }).generate "mcp-agent.toml" cfg.settings}";
  };
}
