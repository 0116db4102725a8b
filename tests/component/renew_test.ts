import { deepStrictEqual, match, notStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { init } from "../../agent/processes/init.ts";
import { renew } from "../../agent/processes/renew.ts";
import { realFiles } from "../../lib/system/files.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

async function makeNode(folder: ThrowAwayFolder): Promise<string> {
  const config = folder.at("mcp-agent.toml");
  await init.run({
    config,
    json: true,
    nodeName: "rift",
    address: "192.0.2.7:9444",
    listen: undefined,
    serviceRoot: "/srv",
    podmanUrl: "",
    lifetime: "90d",
  }, () => {});
  return config;
}

function read(folder: ThrowAwayFolder, path: string): Promise<string> {
  return Deno.readTextFile(folder.at(path));
}

async function run(config: string, address?: string): Promise<string> {
  const lines: string[] = [];
  await renew.run({ config, json: false, address }, (line) => lines.push(line));
  return lines.join("\n");
}

Deno.test("mcp-agent renew makes a new certificate and key for the same names, by the same authority", async () => {
  await using folder = await ThrowAwayFolder.make();
  const config = await makeNode(folder);
  const old = await read(folder, "certs/cert.pem");
  const ca = await read(folder, "certs/ca.pem");
  match(
    await run(config),
    /^Wrote .*cert\.pem for 192\.0\.2\.7, rift, until .*Z\nNext: as root, run `systemctl reload mcp-agent`$/,
  );
  const pem = await read(folder, "certs/cert.pem");
  notStrictEqual(pem, old);
  strictEqual(await read(folder, "certs/ca.pem"), ca);
  const [certificate, before] = [new X509Certificate(pem), new X509Certificate(old)];
  strictEqual(certificate.subjectAltName, before.subjectAltName);
  notStrictEqual(certificate.serialNumber, before.serialNumber);
  strictEqual(certificate.verify(new X509Certificate(ca).publicKey), true);
  const { createPrivateKey } = await import("node:crypto");
  strictEqual(
    certificate.checkPrivateKey(createPrivateKey(await read(folder, "certs/key.pem"))),
    true,
  );
  deepStrictEqual(
    [
      await realFiles.mode(folder.at("certs/key.pem")),
      await realFiles.mode(folder.at("certs/cert.pem")),
    ],
    [0o600, 0o644],
  );
});

Deno.test("mcp-agent renew makes it out to a further address, and without an old one", async () => {
  await using folder = await ThrowAwayFolder.make();
  const config = await makeNode(folder);
  await run(config, "rift.example:9444");
  strictEqual(
    new X509Certificate(await read(folder, "certs/cert.pem")).subjectAltName,
    "IP Address:192.0.2.7, DNS:rift, DNS:rift.example",
  );
  await Deno.remove(folder.at("certs/cert.pem"));
  await rejects(run(config), { kind: "invalid", hint: /--address HOST:PORT/ });
  await run(config, "192.0.2.8:9444");
  await rejects(run(config, "nonsense"), { kind: "invalid" });
});

Deno.test("mcp-agent renew leaves the certificate of another authority alone, and says what to do", async () => {
  await using folder = await ThrowAwayFolder.make();
  const config = await makeNode(folder);
  const before = await read(folder, "certs/cert.pem");
  await Deno.remove(folder.at("certs/ca-key.pem"));
  await rejects(run(config), {
    kind: "conflict",
    message: "Cannot renew: this node's authority is not here",
    hint: /systemctl reload mcp-agent/,
  });
  strictEqual(await read(folder, "certs/cert.pem"), before);
});
