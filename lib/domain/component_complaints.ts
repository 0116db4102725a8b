/**
 * Which components make no sense.
 *
 * Every text that ends up in podman's argv passes a rule here first: none may begin with "-", hold a
 * control character, or mean something else to podman than it says. Only `cmd` is free: it stands
 * behind the image, where podman reads nothing any more. The rules are the same on the workstation
 * and on the node.
 *
 * @module
 */

import type { Complaint } from "./complaint.ts";
import { type ComponentSpec, parsePort, parseVolume } from "./component_spec.ts";
import { complaintsAboutHealthCheck } from "./health_check.ts";
import { parseImage } from "./image.ts";
import { isName, nameRule } from "./names.ts";
import { complaintsAboutOptions } from "./option_complaints.ts";
import { complaintsAboutSecrets } from "./secret_mount.ts";

const networkPattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;
const userPattern = /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,63}(:[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,63})?$/;
const restartPattern = /^(no|always|unless-stopped|on-failure(:[0-9]{1,4})?)$/;

/**
 * Everything about one component that can never work.
 *
 * @param path Where the component stands in its document, e.g. `["components", 0]`.
 */
export function complaintsAboutComponent(
  spec: ComponentSpec,
  path: readonly (string | number)[],
): Complaint[] {
  const complaints: Complaint[] = [];
  const check = (
    ok: boolean,
    key: readonly (string | number)[],
    expected: string,
    text: string,
  ) => {
    if (!ok) {
      const found = text === "" ? "nothing" : JSON.stringify(text);
      complaints.push({ path: [...path, ...key], expected, found });
    }
  };
  check(isName(spec.name), ["name"], `a component name (${nameRule})`, spec.name);
  check(
    parseImage(spec.image) !== undefined,
    ["image"],
    'an image reference like "registry.example/name:tag"',
    spec.image,
  );
  check(
    spec.network === "" || networkPattern.test(spec.network),
    ["network"],
    "a network name",
    spec.network,
  );
  check(
    spec.user === "" || userPattern.test(spec.user),
    ["user"],
    '"user" or "user:group"',
    spec.user,
  );
  check(
    restartPattern.test(spec.restart),
    ["restart"],
    '"no", "on-failure", "on-failure:N", "always" or "unless-stopped"',
    spec.restart,
  );
  spec.ports.forEach((text, at) =>
    check(
      parsePort(text) !== undefined,
      ["ports", at],
      '"host:container" with an optional address before and "/tcp" or "/udp" after',
      text,
    )
  );
  spec.volumes.forEach((text, at) =>
    check(
      parseVolume(text) !== undefined,
      ["volumes", at],
      '"source:target" with absolute paths (the source may be a volume name) and options like ":ro"',
      text,
    )
  );
  spec.cmd.forEach((text, at) =>
    check(!text.includes("\0"), ["cmd", at], "an argument without NUL", text)
  );
  check(["service", "job"].includes(spec.kind), ["kind"], '"service" or "job"', spec.kind);
  check(
    spec.kind !== "job" || /^(no|on-failure)/.test(spec.restart),
    ["restart"],
    '"no" or "on-failure" for a job, which is to end',
    spec.restart,
  );
  complaints.push(
    ...complaintsAboutSecrets(spec.secrets, [...path, "secrets"]),
    ...complaintsAboutOptions(spec, path),
  );
  const mounted = new Set([
    ...spec.volumes.map((text) => parseVolume(text)?.target),
    ...spec.tmpfs.map((text) => text.split(":")[0]),
  ]);
  // podman takes both, and one of them is not seen.
  spec.secrets.forEach(({ target }, at) =>
    check(
      !mounted.has(target),
      ["secrets", at, "target"],
      "a path that nothing else is mounted on",
      target,
    )
  );
  if (spec.healthcheck !== undefined) {
    const published = spec.ports.flatMap((text) => parsePort(text) ?? [])
      .filter(({ protocol }) => protocol === "tcp")
      .map(({ containerPort }) => containerPort);
    complaints.push(
      ...complaintsAboutHealthCheck(spec.healthcheck, published, [...path, "healthcheck"]),
    );
    check(
      spec.kind === "service",
      ["healthcheck"],
      "no health check of a job: its exit code tells",
      "one",
    );
  }
  return complaints;
}
