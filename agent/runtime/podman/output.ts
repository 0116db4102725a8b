/**
 * What podman prints, decoded: its JSON is not believed before it is checked.
 *
 * Shapes are those of podman 4.3 to 5; fields that nobody reads here are let through.
 *
 * @module
 */

import * as z from "zod";
import { parseSecretVersionName } from "../../../lib/domain/secret_name.ts";
import { McpError } from "../../../lib/errors.ts";
import type {
  ContainerDescription,
  ContainerDetail,
  ContainerStatus,
  DescribedContainer,
  IdRange,
  ImageDetail,
  RuntimeEvent,
  RuntimeInfo,
  StoredImage,
} from "../runtime.ts";
import { describeContainer, inspectedContainer, inspectedImage } from "./description.ts";

const listing = z.array(z.object({
  Id: z.string(),
  Names: z.array(z.string()).nullish(),
  Image: z.string().default(""),
  ImageID: z.string().default(""),
  State: z.string(),
  ExitCode: z.number().default(0),
  /** Seconds since 1970; hugely negative when it never started. */
  StartedAt: z.number().default(0),
  Labels: z.record(z.string(), z.string()).nullish(),
}));

const inspected = z.object({
  Id: z.string(),
  Name: z.string(),
  Image: z.string().default(""),
  RestartCount: z.number().default(0),
  State: z.object({
    Status: z.string(),
    ExitCode: z.number().default(0),
    OOMKilled: z.boolean().default(false),
    /** RFC 3339; year 1 when it never started. */
    StartedAt: z.string().default(""),
  }),
});

const images = z.array(z.object({
  Id: z.string(),
  Digest: z.string().default(""),
  RepoTags: z.array(z.string()).nullish(),
  RepoDigests: z.array(z.string()).nullish(),
}));

const storedImages = z.array(z.object({
  Id: z.string(),
  Digest: z.string().default(""),
  Names: z.array(z.string()).nullish(),
  Size: z.number().default(0),
}));

const death = z.object({
  /** Left out by podman when it is 0, as every field is. */
  ContainerExitCode: z.number().default(0),
});

const event = z.object({
  Name: z.string(),
  Status: z.string(),
  /** podman 4: RFC 3339, with nanoseconds. */
  Time: z.string().optional(),
  /** podman 5: nanoseconds since 1970; JSON has no whole numbers of that size, and milliseconds are right. */
  timeNano: z.number().optional(),
  ContainerExitCode: z.number().default(0),
});

const version = z.object({
  Client: z.object({ Version: z.string() }),
  Server: z.object({ Version: z.string() }).nullish(),
});

const idMap = z.array(z.object({
  container_id: z.number(),
  host_id: z.number(),
  size: z.number(),
})).nullish();

const info = z.object({
  host: z.object({
    cgroupManager: z.string().default(""),
    rootlessNetworkCmd: z.string().default(""),
    cgroupVersion: z.string().default(""),
    cgroupControllers: z.array(z.string()).nullish(),
    logDriver: z.string().default(""),
    eventLogger: z.string().default(""),
    idMappings: z.object({ uidmap: idMap, gidmap: idMap }).nullish(),
    security: z.object({ rootless: z.boolean().default(false) }),
  }),
  store: z.object({
    graphDriverName: z.string().default(""),
    graphRoot: z.string().default(""),
    /** Bytes of the file system. */
    graphRootAllocated: z.number().optional(),
    graphRootUsed: z.number().optional(),
  }),
  version: z.object({ Version: z.string() }),
});

/** Beyond it there are no dates in JavaScript. */
const latestSecond = 8.64e12;

/** The containers of `podman ps --format=json`. */
export function parseListing(output: string): ContainerStatus[] {
  // podman prints nothing at all, not an empty list, on some versions when there is no container.
  if (output.trim() === "") return [];
  return decode(listing, output, "ps").map((container) => ({
    id: container.Id,
    name: container.Names?.[0] ?? container.Id,
    image: container.Image,
    imageId: container.ImageID,
    status: container.State.toLowerCase(),
    exitCode: isOver(container.State) ? container.ExitCode : undefined,
    startedAt: container.StartedAt > 0 && container.StartedAt <= latestSecond
      ? new Date(container.StartedAt * 1000)
      : undefined,
    labels: container.Labels ?? {},
  }));
}

/** Every container of `podman container inspect`, by name. */
export function parseInspections(output: string): Map<string, ContainerDetail> {
  return new Map(
    decode(z.array(inspected), output, "inspect")
      .map((container) => [container.Name, toDetail(container)]),
  );
}

/** An image of `podman image inspect`, and all that it is called. */
interface NamedImage extends ImageDetail {
  readonly names: readonly string[];
}

/** The images of `podman image inspect`, in the order in which they were asked for. */
export function parseImages(output: string): NamedImage[] {
  return decode(images, output, "image inspect").map(({ Id, Digest, RepoTags, RepoDigests }) => ({
    id: Id,
    digest: Digest,
    names: [Id, ...(RepoTags ?? []), ...(RepoDigests ?? [])],
  }));
}

/** The images of `podman images --format=json`, each once. */
export function parseStoredImages(output: string): StoredImage[] {
  if (output.trim() === "") return [];
  const found = new Map<string, StoredImage>();
  for (const { Id, Digest, Names, Size } of decode(storedImages, output, "images")) {
    const names = [...new Set([...found.get(Id)?.names ?? [], ...Names ?? []])];
    found.set(Id, { id: Id.replace(/^sha256:/, ""), digest: Digest, names, bytes: Size });
  }
  return [...found.values()];
}

function toDetail(container: z.output<typeof inspected>): ContainerDetail {
  const startedAt = new Date(container.State.StartedAt);
  return {
    id: container.Id,
    status: container.State.Status.toLowerCase(),
    exitCode: container.State.ExitCode,
    oomKilled: container.State.OOMKilled,
    startedAt: startedAt.getTime() > 0 ? startedAt : undefined,
    restartCount: container.RestartCount,
    imageId: container.Image,
  };
}

/** The exit code of the last line of `podman events`, which prints one object per line. */
export function parseLastDeath(output: string): number | undefined {
  const last = output.split("\n").findLast((line) => line.trim() !== "");
  return last === undefined ? undefined : decode(death, last, "events").ContainerExitCode;
}

/**
 * One line of `podman events --format=json`.
 *
 * @throws {McpError} `unavailable` when it is none.
 */
export function parseEvent(line: string): RuntimeEvent {
  const { Name, Status, Time, timeNano, ContainerExitCode } = decode(event, line, "events");
  const at = new Date(timeNano === undefined ? Time ?? "" : timeNano / 1e6);
  if (Number.isNaN(at.getTime())) {
    throw new McpError("unavailable", "Cannot read the answer of podman events: its time is off");
  }
  return {
    container: Name,
    status: Status,
    at,
    exitCode: Status === "died" ? ContainerExitCode : undefined,
  };
}

/** A container and its image as a spec, from what both `inspect` commands print. */
export function parseDescription(
  component: string,
  containerOutput: string,
  imageOutput: string,
): ContainerDescription {
  const [container] = decode(z.tuple([inspectedContainer]), containerOutput, "container inspect");
  const [image] = decode(z.tuple([inspectedImage]), imageOutput, "image inspect");
  const { spec, unexpressed } = describeContainer(component, container, image);
  const secrets = spec.secrets.map((secret) => ({
    ...secret,
    name: parseSecretVersionName(secret.name)?.secret ?? secret.name,
  }));
  return { spec: { ...spec, secrets }, unexpressed };
}

/** The images that the containers of `podman container inspect` were made from, by their ids. */
export function parseImageIds(containerOutput: string): string[] {
  const containers = decode(z.array(inspectedContainer), containerOutput, "container inspect");
  return [...new Set(containers.map((container) => container.Image))];
}

/** Several containers, from what both `inspect` commands print; those of no known image are left out. */
export function parseDescriptions(
  containerOutput: string,
  imageOutputs: readonly string[],
): DescribedContainer[] {
  const containers = decode(z.array(inspectedContainer), containerOutput, "container inspect");
  const images = new Map(
    imageOutputs.flatMap((output) => decode(z.array(inspectedImage), output, "image inspect"))
      .map((image) => [image.Id, image]),
  );
  return containers.flatMap((container) => {
    const image = images.get(container.Image);
    return image === undefined ? [] : [describeContainer(container.Name, container, image)];
  });
}

/** The version that matters: of the server where there is one. */
export function parseVersion(output: string): string {
  const { Client, Server } = decode(version, output, "version");
  return Server?.Version ?? Client.Version;
}

/** What `podman info --format=json` says; of the server where there is one. */
export function parseInfo(output: string): RuntimeInfo {
  const { host, store, version } = decode(info, output, "info");
  const { graphRootAllocated: totalBytes, graphRootUsed: usedBytes } = store;
  return {
    version: version.Version,
    rootless: host.security.rootless,
    cgroupVersion: host.cgroupVersion,
    cgroupControllers: host.cgroupControllers ?? [],
    cgroupManager: host.cgroupManager,
    networkCommand: host.rootlessNetworkCmd,
    logDriver: host.logDriver,
    eventLogger: host.eventLogger,
    storage: {
      driver: store.graphDriverName,
      folder: store.graphRoot,
      totalBytes,
      freeBytes: totalBytes === undefined || usedBytes === undefined
        ? undefined
        : Math.max(0, totalBytes - usedBytes),
    },
    userIds: rangesOf(host.idMappings?.uidmap),
    groupIds: rangesOf(host.idMappings?.gidmap),
  };
}

function rangesOf(map: z.output<typeof idMap>): IdRange[] {
  return (map ?? []).toSorted((one, other) => one.container_id - other.container_id)
    .map(({ host_id, size }) => ({ start: host_id, count: size }));
}

/**
 * podman's reason for a failure: the last thing it wrote that is not a warning.
 *
 * podman writes `Error: …` last, after log lines like `time="…" level=warning …`. It is more than
 * one line where podman 5 hands on what pasta says: which port is taken is on the second.
 */
export function parseReason(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const at = lines.findLastIndex((line) => line.startsWith("Error: "));
  const reason = at < 0
    ? lines.slice(-1)
    : lines.slice(at).filter((line) => !line.startsWith('time="'));
  return reason.join(" ").replace(/^Error: /, "");
}

function isOver(state: string): boolean {
  return ["exited", "stopped", "dead"].includes(state.toLowerCase());
}

/**
 * What somebody says, if it is of the shape that it should be.
 *
 * @param verb What podman calls the question, e.g. "ps".
 * @throws {McpError} `unavailable` when it is not.
 */
export function decode<Schema extends z.ZodType>(
  schema: Schema,
  output: string,
  verb: string,
): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch (error) {
    throw new McpError("unavailable", `Cannot read the answer of podman ${verb}: it is not JSON`, {
      cause: error,
    });
  }
  const result = schema.safeParse(value);
  if (!result.success) {
    const where = result.error.issues[0]?.path.join(".") || "all of it";
    throw new McpError("unavailable", `Cannot read the answer of podman ${verb}: ${where} is off`);
  }
  return result.data;
}
