/**
 * Decides whether a container is what it was deployed as, field by field.
 *
 * Pure. What means the same is no difference: both sides are filled with what the image brings, and
 * written in the one way. What is not the runtime's (kind, dependencies, health check, when to pull)
 * cannot differ.
 *
 * @module
 */

import { canonicalSpec } from "../../../lib/domain/canonical_spec.ts";
import type { ComponentSpec } from "../../../lib/domain/component_spec.ts";
import { parseImage } from "../../../lib/domain/image.ts";
import { parseSecretVersionName } from "../../../lib/domain/secret_name.ts";
import type { SecretMount } from "../../../lib/domain/secret_mount.ts";
import { differencesBetween, type FieldDifference } from "../../../lib/domain/spec_difference.ts";
import type { DescribedContainer, ImageDefaults } from "../../runtime/runtime.ts";

/** What a container was made from, as it is remembered. */
interface RememberedContainer {
  readonly spec: ComponentSpec;
  /** Id of the image that the reference meant then; empty = not known. */
  readonly imageId: string;
  /** "sha256:…" of that image's manifest; empty = not known. */
  readonly imageDigest: string;
  /** What the runtime calls each of its secrets; one that is left out has its own name there. */
  readonly secretNames?: Readonly<Record<string, string>>;
  /** Whether MCP made it: then nothing may be there that no spec can say. */
  readonly isOurs: boolean;
}

/** Every field of the container that is not as it was deployed: `before` is as deployed. */
export function fieldDrift(
  deployed: RememberedContainer,
  found: DescribedContainer,
): FieldDifference[] {
  const { spec } = deployed;
  const before = complete(canonicalSpec(spec), found.brought);
  const after = complete(
    canonicalSpec({
      ...found.spec,
      name: spec.name,
      image: spec.image,
      kind: spec.kind,
      pull: spec.pull,
      dependsOn: spec.dependsOn,
      healthcheck: spec.healthcheck,
      secrets: found.spec.secrets.map((secret) => asCalledIn(deployed, secret)),
    }),
    found.brought,
  );
  return [
    ...imageDrift(deployed, found),
    ...differencesBetween(before, after),
    ...secretDrift(deployed, found),
    // What was adopted may have had it from the beginning.
    ...(deployed.isOurs ? found.ofItsOwn : [])
      .map((line) => ({ field: "unexpressed", before: "", after: line })),
  ];
}

/** A mount as the spec calls it; another version where one of the spec's secrets belongs is told apart. */
function asCalledIn(deployed: RememberedContainer, secret: SecretMount): SecretMount {
  const { secrets } = deployed.spec;
  const own = secrets.find(({ name }) => isVersionOf(deployed, name, secret.name)) ??
    secrets.find(({ target }) => target === secret.target);
  return own === undefined ? secret : { ...secret, name: own.name };
}

/** Whether the runtime's secret is the very version that was deployed. */
function isVersionOf(
  { secretNames = {} }: RememberedContainer,
  name: string,
  runtimeName: string,
): boolean {
  const remembered = secretNames[name];
  if (remembered !== undefined) return remembered === runtimeName;
  // Of a container that was adopted no version is remembered.
  return runtimeName === name || parseSecretVersionName(runtimeName)?.secret === name;
}

/** Secrets whose file is there, with another version in it. */
function secretDrift(deployed: RememberedContainer, found: DescribedContainer): FieldDifference[] {
  const { spec: { secrets }, secretNames = {} } = deployed;
  return secrets.flatMap(({ name, target }): FieldDifference[] => {
    const mounted = found.spec.secrets.find((secret) => secret.target === target);
    if (mounted === undefined || isVersionOf(deployed, name, mounted.name)) return [];
    const isOthers = secrets.some((other) => isVersionOf(deployed, other.name, mounted.name));
    if (isOthers) return [];
    return [{
      field: `secrets.${name}`,
      before: versionText(secretNames[name] ?? name),
      after: versionText(mounted.name),
    }];
  });
}

function versionText(runtimeName: string): string {
  const named = parseSecretVersionName(runtimeName);
  return named === undefined ? runtimeName : `version ${named.version}`;
}

/** The spec with what it takes from the image written out. */
function complete(spec: ComponentSpec, brought: ImageDefaults): ComponentSpec {
  const image = canonicalSpec({ ...spec, user: brought.user, workdir: brought.workdir });
  return {
    ...spec,
    user: spec.user || image.user,
    env: { ...brought.env, ...spec.env },
    labels: { ...brought.labels, ...spec.labels },
    workdir: spec.workdir || image.workdir,
    stopSignal: spec.stopSignal || brought.stopSignal,
    entrypoint: spec.entrypoint.length > 0 ? spec.entrypoint : brought.entrypoint,
    // Who brings an entrypoint of his own does without the image's command.
    cmd: spec.cmd.length > 0 || spec.entrypoint.length > 0 ? spec.cmd : brought.cmd,
  };
}

/** How much of a digest is shown. */
const shownDigits = 12;

function imageDrift(deployed: RememberedContainer, found: DescribedContainer): FieldDifference[] {
  const { spec: { image }, imageId, imageDigest } = deployed;
  // The same image, whatever it is called: a container may have been made by its id or digest.
  if (imageId !== "" && digits(imageId) === digits(found.imageId)) return [];
  if (!isSameReference(image, found.spec.image)) {
    return [{ field: "image", before: image, after: found.spec.image }];
  }
  if (imageId === "") return [];
  const [before, after] = imageDigest !== "" && found.imageDigest !== ""
    ? [imageDigest, found.imageDigest]
    : [imageId, found.imageId];
  const short = (digest: string) => digits(digest).slice(0, shownDigits);
  return [{ field: "image_digest", before: short(before), after: short(after) }];
}

function digits(id: string): string {
  return id.replace(/^sha256:/, "");
}

/** Whether two references can mean the same image: podman completes what is short. */
function isSameReference(one: string, other: string): boolean {
  const [a, b] = [parseImage(one), parseImage(other)];
  if (a === undefined || b === undefined) return one === other;
  const [short = "", long = ""] = [a.repository, b.repository].sort((x, y) => x.length - y.length);
  if (short !== long && !long.endsWith(`/${short}`)) return false;
  // podman forgets the tag of a reference that has both.
  if (a.digest !== undefined && b.digest !== undefined) return a.digest === b.digest;
  if (a.digest !== undefined || b.digest !== undefined) return true;
  return (a.tag ?? "latest") === (b.tag ?? "latest");
}
