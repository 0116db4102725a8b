/** The doctor on real files, certificates, a real registry and gRPC; only podman is stood in for. */

import { deepStrictEqual, doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import { dirname, join } from "node:path";
import { Doctor } from "../../agent/node/doctor/doctor.ts";
import { fromAgent } from "../../agent/node/doctor/from_agent.ts";
import { askProvider } from "../../agent/node/doctor/identity_provider.ts";
import { walkForPem, walkLimits } from "../../agent/node/doctor/pem_walk.ts";
import {
  type CertifiedKey,
  createAuthority,
  issueServerCertificate,
} from "../../agent/node/identity/certificates.ts";
import { doctor } from "../../agent/processes/doctor.ts";
import { requireSoundFile, snapshotRegistry } from "../../agent/registry/backup.ts";
import type { Finding } from "../../lib/domain/finding.ts";
import { realFiles } from "../../lib/system/files.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { MciasServer } from "../support/mcias_server.ts";
import { OidcServer } from "../support/oidc_server.ts";
import { ample, makeTestNode, TestNode } from "../support/test_node.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";
import { json, Workstation } from "../support/workstation.ts";

const day = 86_400_000;
const authority = await createAuthority({
  commonName: "MCP test CA",
  validDays: 36_500,
  now: new Date("2020-01-01T00:00:00Z"),
});

/** A certificate that ends so many days after an instant. */
async function endingIn(days: number, now: Date, name = "shop.example"): Promise<CertifiedKey> {
  const issued = new Date(now.getTime() + (days - 90) * day);
  const options = { commonName: name, hosts: [name], validDays: 90, now: issued };
  return await issueServerCertificate(authority, options);
}

async function write(folder: string, path: string, text: string): Promise<string> {
  const file = join(folder, path);
  await realFiles.writeText(file, text, { mode: 0o640 });
  return file;
}

function about(id: string, findings: readonly Finding[]): Finding[] {
  return findings.filter((finding) => finding.id === id);
}

/** The leaf alone: the authority's own certificate follows it. */
function leafOf({ certificate }: CertifiedKey): string {
  return certificate.slice(0, certificate.indexOf("-----END CERTIFICATE-----") + 26);
}

Deno.test("Diagnose tells what is wrong with a node, of its podman as of its services' certificates", async () => {
  await using node = await TestNode.start();
  const now = node.clock.now();
  const ended = await endingIn(-3, now);
  const ending = await endingIn(10, now, "api.example");
  await write(node.serviceRoot, "shop/tls/web.pem", ended.key + ended.certificate);
  await write(node.serviceRoot, "shop/tls/api.crt", leafOf(ending));
  await write(node.serviceRoot, "shop/tls/well.cert", leafOf(await endingIn(80, now)));
  node.runtime.setUp = { logDriver: "journald", cgroupControllers: ["cpu", "pids"] };

  const { findings, askedAt, answeredAt } = await node.client().diagnose({}, ample);
  const said = (id: string) =>
    findings.filter((finding) => finding.id === id).map(({ level, what }) => `${level}: ${what}`);
  deepStrictEqual(said("service_certificates"), [
    `error: "shop.example" expired 3 days ago (${node.serviceRoot}/shop/tls/web.pem)`,
    `warning: "api.example" expires in 10 days (${node.serviceRoot}/shop/tls/api.crt)`,
  ]);
  deepStrictEqual(said("log_driver"), ["error: journald, not k8s-file"]);
  match(said("cgroups").join(), /^warning: v2, without memory/);
  match(said("registry").join(), /^ok: .*mcp\.db is sound$/);
  // It was all permitted to this process.
  match(said("permissions").join(), /^warning: more than the config needs: --allow-all/);
  match(said("units").join(), /^unknown: not looked at: the agent may not ask systemd$/);
  match(said("time_sync").join(), /^unknown/);
  match(said("service_root").join(), /^(ok|error: .* belongs to uid)/);
  deepStrictEqual([askedAt?.seconds, answeredAt?.seconds], [
    BigInt(now.getTime() / 1000),
    BigInt(now.getTime() / 1000),
  ]);

  const text = JSON.stringify(
    findings.map(({ id, level, what, why, fix }) => [id, level, what, why, fix]),
  );
  doesNotMatch(text, /PRIVATE KEY|BEGIN/);
  const secret = ended.key.split("\n")[1] ?? "";
  ok(secret.length > 40 && !text.includes(secret));
  ok(!text.includes(node.adminToken));
  // The folder that showed whether the agent could write is gone again.
  deepStrictEqual(await realFiles.list(node.serviceRoot), ["shop"]);
});

Deno.test("Diagnose answers when podman does not, and says so", async () => {
  await using node = await TestNode.start();
  node.runtime.fail("info");
  const { findings } = await node.client().diagnose({}, ample);
  const podman = findings.find(({ id }) => id === "podman");
  deepStrictEqual([podman?.level, podman?.what], ["error", "Cannot info: podman is out of order"]);
  strictEqual(findings.find(({ id }) => id === "storage_driver")?.level, "unknown");
});

Deno.test("Doctor.diagnose() looks once for all who ask at the same time, and anew for who asks later", async () => {
  await using node = await TestNode.start();
  const { clock, runtime, config } = node;
  using registry = node.openRegistry();
  const examiner = new Doctor(config, fromAgent({ clock, runtime, registry, files: realFiles }));
  const looks = () => runtime.calls.filter((line) => line === "info").length;
  const [one, other] = await Promise.all([examiner.diagnose(), examiner.diagnose()]);
  strictEqual(looks(), 1);
  deepStrictEqual(one, other);
  await examiner.diagnose();
  strictEqual(looks(), 2);
});

// --- The walk ---------------------------------------------------------------------

Deno.test("walkForPem() follows no link, neither out of the folder nor in a circle", async () => {
  await using folder = await ThrowAwayFolder.make();
  const now = new Date();
  const root = folder.at("srv");
  const pem = leafOf(await endingIn(-1, now));
  await write(folder.path, "elsewhere/outside.pem", pem);
  const inside = await write(root, "shop/inside.pem", pem);
  await Deno.symlink(folder.at("elsewhere"), join(root, "shop", "folder"));
  await Deno.symlink(folder.at("elsewhere/outside.pem"), join(root, "shop", "link.pem"));
  await Deno.symlink(root, join(root, "shop", "circle"));
  const walk = await walkForPem(root);
  deepStrictEqual(walk.files.map(({ path }) => path), [inside]);
  strictEqual(walk.cut, undefined);
});

Deno.test("walkForPem() takes the latest of what is renewed, and collections of authorities for none", async () => {
  await using folder = await ThrowAwayFolder.make();
  const now = new Date();
  const pem = leafOf(await endingIn(-1, now));
  const newer = leafOf(await endingIn(60, now));
  await write(folder.path, "a/fullchain1.pem", pem);
  await write(folder.path, "a/fullchain10.pem", newer);
  await write(folder.path, "a/fullchain9.pem", pem);
  await write(folder.path, "a/cert2.pem", newer);
  await write(folder.path, "b/fullchain2.pem", pem);
  await write(folder.path, "ca-certificates.crt", pem.repeat(10));
  await write(
    folder.path,
    "key.pem",
    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
  );
  await write(folder.path, "large.pem", `${pem}${" ".repeat(1024 * 1024)}`);
  await write(folder.path, "readme.txt", pem);
  const walk = await walkForPem(folder.path);
  const names = (paths: readonly string[]) =>
    paths.map((path) => path.slice(folder.path.length + 1)).sort();
  deepStrictEqual(names(walk.files.map(({ path }) => path)), [
    "a/cert2.pem",
    "a/fullchain10.pem",
    "b/fullchain2.pem",
  ]);
  deepStrictEqual(names(walk.bundles), ["ca-certificates.crt"]);
  deepStrictEqual(names(walk.withoutCertificate), ["key.pem", "large.pem"]);
});

for (
  const [given, limits, cut] of [
    ["many names", { ...walkLimits, names: 3 }, /^there are more than 3 names$/],
    ["deep folders", { ...walkLimits, depth: 2 }, /^folders deeper than 2 were left out$/],
    ["no time", { ...walkLimits, timeMs: -1 }, /^it took longer than/],
  ] as const
) {
  Deno.test(`walkForPem() ends, and says why, given ${given}`, async () => {
    await using folder = await ThrowAwayFolder.make();
    const pem = leafOf(await endingIn(-1, new Date()));
    for (const name of ["a", "b", "c", "d"]) await write(folder.path, `${name}/x/y.pem`, pem);
    const walk = await walkForPem(folder.path, limits);
    match(walk.cut ?? "", cut);
    strictEqual(walk.files.length, 0);
  });
}

Deno.test("walkForPem() does not wait for whoever writes into a pipe", async () => {
  await using folder = await ThrowAwayFolder.make();
  const { success } = await new Deno.Command("mkfifo", { args: [folder.at("pipe.pem")] }).output();
  ok(success);
  const walk = await walkForPem(folder.path);
  deepStrictEqual([walk.files, walk.unreadable], [[], []]);
});

// --- The registry and the provider ---------------------------------------------------

Deno.test("requireSoundFile() finds damage, beside a running server, and writes nothing", async () => {
  await using node = await TestNode.start();
  await requireSoundFile(node.registryPath);
  await node.stop();
  const bytes = await Deno.readFile(node.registryPath);
  bytes.fill(0xab, 4096, 3 * 4096);
  await Deno.writeFile(node.registryPath, bytes);
  for (const suffix of ["-wal", "-shm"]) {
    await realFiles.remove(`${node.registryPath}${suffix}`);
  }
  await rejectsWith(requireSoundFile(node.registryPath), /it is damaged/);
  deepStrictEqual(await Deno.readFile(node.registryPath), bytes);
  await rejectsWith(requireSoundFile(`${node.registryPath}.none`), /Cannot use the registry/);
  strictEqual(await realFiles.mode(`${node.registryPath}.none`), undefined);
});

async function rejectsWith(promise: Promise<unknown>, message: RegExp): Promise<void> {
  const error = await promise.then(() => undefined, (reason: unknown) => reason);
  ok(error instanceof Error, "it did not fail");
  match(error.message, message);
}

Deno.test("askProvider() asks of a provider what the agent needs of it", async () => {
  await using folder = await ThrowAwayFolder.make();
  await askProvider(realFiles, { provider: "local" });

  await using mcias = await MciasServer.start();
  const caFile = await write(folder.path, "mcias.pem", mcias.ca);
  const byMcias = { provider: "mcias", serverUrl: mcias.url, caFile, serviceName: "x" } as const;
  await askProvider(realFiles, byMcias);
  deepStrictEqual(mcias.calls, ["GET /v1/health"]);
  mcias.mood = "failing";
  await rejectsWith(askProvider(realFiles, byMcias), /health of MCIAS/);
  await rejectsWith(
    askProvider(realFiles, { ...byMcias, caFile: folder.at("none.pem") }),
    /There is no CA certificate/,
  );

  await using oidc = await OidcServer.start();
  const byOidc = {
    provider: "oidc",
    issuer: oidc.issuer,
    audience: "mcp",
    jwksUri: undefined,
    caFile: await write(folder.path, "oidc.pem", oidc.ca),
    subjectClaim: "sub",
    roleClaim: "roles",
    adminRole: "admin",
  } as const;
  await askProvider(realFiles, byOidc);
  oidc.mood = "failing";
  await rejectsWith(askProvider(realFiles, byOidc), /OIDC provider/);
});

// --- `mcp-agent doctor` ------------------------------------------------------------

/** Runs it in this process; what it found and how it ended. */
async function examine(config: string): Promise<{ findings: Finding[]; code: number | void }> {
  const lines: string[] = [];
  const code = await doctor.run({ config, json: true }, (line) => lines.push(line));
  return { findings: JSON.parse(lines.join("\n")).findings, code };
}

Deno.test("mcp-agent doctor looks before there is a node, and says what to do first", async () => {
  await using folder = await ThrowAwayFolder.make();
  const { findings, code } = await examine(folder.at("mcp-agent.toml"));
  strictEqual(code, 8);
  const [config] = about("config", findings);
  deepStrictEqual([config?.level, config?.what], [
    "error",
    `there is no ${folder.path}/mcp-agent.toml`,
  ]);
  match(config?.fix ?? "", /^mcp-agent install --node-name/);
  deepStrictEqual(about("certificate", findings), []);
  strictEqual(about("memory", findings).length, 1);
});

Deno.test("mcp-agent doctor tells every mistake of a config, and looks at the rest all the same", async () => {
  await using folder = await ThrowAwayFolder.make();
  const file = await write(folder.path, "mcp-agent.toml", '[server]\ngrpc_addr = "x"\n');
  const { findings } = await examine(file);
  const [config] = about("config", findings);
  match(config?.what ?? "", /it has \d mistakes; .*:2: server\.grpc_addr: expected "host:port"/);
  match(config?.fix ?? "", /^vi .*mcp-agent\.toml && systemctl restart mcp-agent$/);
  strictEqual(about("disk", findings).length, 1);
});

Deno.test("mcp-agent doctor finds a damaged registry, a foreign key and an expired certificate", async () => {
  await using folder = await ThrowAwayFolder.make();
  const { config } = await makeTestNode(folder.path, new FakeClock({ start: new Date() }));
  const { path } = await snapshotRegistry(config.databaseFile, { now: new Date(), keep: 3 });
  const bytes = await Deno.readFile(config.databaseFile);
  bytes.fill(0xab, 4096, 3 * 4096);
  await Deno.writeFile(config.databaseFile, bytes);
  const now = new Date();
  const [ended, other] = [await endingIn(-40, now, "rift"), await endingIn(10, now)];
  await write(folder.path, "cert.pem", ended.certificate);
  await write(folder.path, "key.pem", other.key);

  const { findings, code } = await examine(config.file);
  strictEqual(code, 8);
  const [registry] = about("registry", findings);
  match(registry?.what ?? "", /it is damaged/);
  ok(registry?.fix.includes(`restore --config ${config.file} ${path}`), registry?.fix ?? "");
  strictEqual(about("snapshots", findings)[0]?.level, "ok");
  const certificate = about("certificate", findings);
  deepStrictEqual(certificate.map(({ level }) => level), ["error", "error", "warning"]);
  match(certificate[0]?.what ?? "", /key\.pem is not the key of .*cert\.pem$/);
  match(certificate[1]?.what ?? "", /^expired 40 days ago/);
  match(certificate[2]?.what ?? "", /made out to DNS:rift, not to 127\.0\.0\.1:0/);
  doesNotMatch(JSON.stringify(findings), /PRIVATE KEY/);
});

Deno.test("mcp-agent doctor needs no more than it is granted, and cannot write", async () => {
  await using folder = await ThrowAwayFolder.make();
  const { config } = await makeTestNode(folder.path, new FakeClock({ start: new Date() }));
  const before = await snapshotOf(folder.path);
  const main = new URL("../../agent/main.ts", import.meta.url).pathname;
  ok(!doctor.grants.some((flag) => flag.startsWith("--allow-write")));
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-check",
      "--no-prompt",
      "--ignore-env",
      ...doctor.grants,
      main,
      "doctor",
      "--config",
      config.file,
    ],
    env: { NO_COLOR: "1" },
  }).output();
  const [out, told] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  strictEqual(told, "");
  ok(code === 0 || code === 8, `${code}`);
  doesNotMatch(out ?? "", /this process may not/);
  match(out ?? "", /^ok +registry +.*mcp\.db is sound$/m);
  match(out ?? "", /^ok +memory +/m);
  match(
    out ?? "",
    /\n\n(\d+ (errors?|warnings?|unknown|ok)(, )?)+\n(Fixes are run here as root.*\n)?$/,
  );
  deepStrictEqual(await snapshotOf(folder.path), before);
});

/** Every file with its content, but for what SQLite keeps beside a registry that is read. */
async function snapshotOf(folder: string): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (!isFile || /-(wal|shm)$/.test(name)) continue;
    texts[name] = (await Deno.readFile(join(folder, name))).toHex();
  }
  return texts;
}

// --- Through the command line -----------------------------------------------------------

Deno.test("mcp node doctor shows a whole node's findings, worst first, with the clock as seen from here", async () => {
  await using node = await TestNode.start();
  node.runtime.setUp = { cgroupVersion: "v1" };
  await using home = new Workstation();
  await home.write("ca.pem", node.ca);
  await home.write(
    "mcp.toml",
    `[[nodes]]\nname = "rift"\naddress = "${node.address}"\nca_cert = "ca.pem"\n`,
  );
  await home.write("tokens/rift", `${node.adminToken}\n`, 0o600);
  const early = new Date(node.clock.now().getTime() - 61_000);
  const { code, out } = await home.run("node doctor rift", { now: early });
  strictEqual(code, 8, out);
  match(out, new RegExp(`^rift  ${node.address}  \\d+ errors?, `));
  match(out, /^ {2}error +cgroups +control groups are v1, not v2\n {6}Rootless .*\n {6}Fix: sed /m);
  match(
    out,
    /^ {2}error +clock +1m 1s ahead of this workstation's \(± 0ms\)\n.*\n {6}Fix: timedatectl/m,
  );
  match(out, /^ {2}unknown +units +not looked at: .*\n {6}Fix: mcp-agent doctor --config/m);
  ok(out.lastIndexOf("  error  ") < out.indexOf("  ok  "), out);
  const { findings } = json(await home.run("node doctor rift --json", { now: early })).nodes[0];
  deepStrictEqual(Object.keys(findings[0]), ["id", "level", "what", "why", "fix"]);
  strictEqual(dirname(node.config.file), node.folder);
});
