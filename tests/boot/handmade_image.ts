/**
 * Images made by hand and put into a registry by its HTTP API: a machine that pulls them has all of
 * podman to itself, and this system needs none.
 *
 * One layer of busybox and a few files, as `docker build` would make it.
 *
 * @module
 */

import { demandCommand } from "../../deploy/sandbox/command.ts";

/** What an image is made of. */
export interface HandmadeImage {
  readonly name: string;
  readonly tag: string;
  /** Files by their path in the image, without the leading slash. */
  readonly files: Readonly<Record<string, string>>;
  readonly command: readonly string[];
}

const timeoutMs = 300_000;

/** busybox does what its name says; each name is a link to it. */
const applets = ["cat", "date", "echo", "httpd", "ln", "ls", "mv", "nc", "sh", "sleep", "wget"];

const layerType = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const configType = "application/vnd.docker.container.image.v1+json";
const manifestType = "application/vnd.docker.distribution.manifest.v2+json";

/** How registries call the architecture of this machine. */
const architecture = Deno.build.arch === "aarch64" ? "arm64" : "amd64";

/** Makes an image, puts it into the registry at `HOST:PORT`, and gives its full name. */
export async function putImage(registry: string, image: HandmadeImage): Promise<string> {
  const layer = await layerOf(image.files);
  const compressed = await gzip(layer);
  const config = json({
    architecture,
    os: "linux",
    config: { Cmd: image.command, Env: ["PATH=/bin"], WorkingDir: "/" },
    rootfs: { type: "layers", diff_ids: [await digest(layer)] },
  });
  const url = `http://${registry}/v2/${image.name}`;
  const parts = { layer: compressed, config };
  for (const bytes of Object.values(parts)) await putBlob(url, bytes);
  const manifest = json({
    schemaVersion: 2,
    mediaType: manifestType,
    config: await describe(configType, config),
    layers: [await describe(layerType, compressed)],
  });
  await request("PUT", `${url}/manifests/${image.tag}`, manifestType, manifest);
  return `${registry}/${image.name}:${image.tag}`;
}

async function layerOf(files: HandmadeImage["files"]): Promise<Bytes> {
  const folder = await Deno.makeTempDir({ prefix: "image-" });
  try {
    const root = `${folder}/root`;
    for (const path of ["bin", "data", "tmp"]) {
      await Deno.mkdir(`${root}/${path}`, { recursive: true });
    }
    await Deno.chmod(`${root}/tmp`, 0o1777);
    await Deno.copyFile("/bin/busybox", `${root}/bin/busybox`);
    for (const applet of applets) await Deno.symlink("busybox", `${root}/bin/${applet}`);
    for (const [path, text] of Object.entries(files)) {
      const parent = path.split("/").slice(0, -1).join("/");
      await Deno.mkdir(`${root}/${parent}`, { recursive: true });
      await Deno.writeTextFile(`${root}/${path}`, text);
    }
    const tar = `${folder}/layer.tar`;
    const argv = ["tar", "--create", "--numeric-owner", "--owner=0", "--group=0", `--file=${tar}`];
    await demandCommand("make an image", [...argv, `--directory=${root}`, "."], { timeoutMs });
    return await Deno.readFile(tar);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

type Bytes = Uint8Array<ArrayBuffer>;

async function gzip(bytes: Bytes): Promise<Bytes> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function digest(bytes: Bytes): Promise<string> {
  return `sha256:${new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex()}`;
}

async function describe(mediaType: string, bytes: Bytes) {
  return { mediaType, size: bytes.byteLength, digest: await digest(bytes) };
}

function json(value: unknown): Bytes {
  return new TextEncoder().encode(JSON.stringify(value));
}

async function putBlob(url: string, bytes: Bytes): Promise<void> {
  const begun = await request("POST", `${url}/blobs/uploads/`);
  const place = new URL(begun.headers.get("location") ?? "", url);
  place.searchParams.set("digest", await digest(bytes));
  await request("PUT", place.href, "application/octet-stream", bytes);
}

async function request(
  method: string,
  url: string,
  type?: string,
  body?: Bytes,
): Promise<Response> {
  const response = await fetch(url, {
    method,
    signal: AbortSignal.timeout(timeoutMs),
    ...(type === undefined ? {} : { headers: { "content-type": type } }),
    ...(body === undefined ? {} : { body }),
  });
  const said = await response.text();
  if (!response.ok) throw new Error(`Cannot ${method} ${url}: ${response.status} ${said}`);
  return response;
}
