/** The certificate of a running agent: replaced, expired, refused; with the real command line as its client. */

import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { realFiles } from "../../lib/system/files.ts";
import { type AgentProcess, ProcessNode } from "../support/agent_process.ts";
import { throwawayCertificates } from "../support/certificates.ts";
import { runMcp } from "../support/mcp_process.ts";
import { ample } from "../support/test_node.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

const dayMs = 86_400_000;
const longAgo = new Date(Date.now() - 10 * dayMs);

/** What a certificate renewal leaves in a node's folder. */
async function install(
  node: ProcessNode,
  { certificate, key }: { readonly certificate: string; readonly key: string },
): Promise<void> {
  await realFiles.writeText(`${node.folder}/cert.pem`, certificate, { mode: 0o644 });
  await realFiles.writeText(`${node.folder}/key.pem`, key, { mode: 0o600 });
}

/** Sends SIGHUP and gives what the agent says to it. */
async function hangUp(agent: AgentProcess): Promise<string> {
  const since = agent.entries.length;
  agent.signal("SIGHUP");
  const { message, level } = await agent.logged(
    ({ message }) => /certificate/i.test(message),
    since,
  );
  return `${level} ${message}`;
}

Deno.test("an agent that is told SIGHUP shows its new certificate, and cuts nobody off", async () => {
  await using node = await ProcessNode.make();
  const certificates = await throwawayCertificates();
  await install(node, certificates);
  const agent = await node.start().serving();
  match(
    agent.entries.map(({ message }) => message).join("\n"),
    /Certificate "?\S+\/cert\.pem"? is valid until "?\d{4}-/,
  );

  const early = node.client({ ca: certificates.ca });
  const leaving = new AbortController();
  const watching = early.watchEvents({}, { ...ample, signal: leaving.signal })
    [Symbol.asyncIterator]();
  const first = watching.next();
  await early.nodeStatus({}, ample);

  const other = await throwawayCertificates();
  await install(node, other);
  match(await hangUp(agent), /^INFO Certificate "?\S+\/cert\.pem"? is valid until "?\d{4}-/);
  const late = node.client({ ca: other.ca });
  strictEqual((await late.nodeStatus({}, ample)).nodeName, "rift");
  strictEqual((await early.nodeStatus({}, ample)).nodeName, "rift");
  late.close();

  // The stream is still open: nothing has ended it.
  strictEqual(await Promise.race([first.then(() => "ended", () => "failed"), "open"]), "open");
  leaving.abort();
  await first.catch(() => {});
  early.close();
  deepStrictEqual(agent.messages("ERROR"), []);
});

Deno.test("an agent goes on showing its certificate when the new one cannot be used", async (t) => {
  await using node = await ProcessNode.make();
  const certificates = await throwawayCertificates();
  await install(node, certificates);
  const agent = await node.start().serving();
  const expired = await certificates.renew({ issuedAt: longAgo });
  const tomorrow = await certificates.renew({ issuedAt: new Date(Date.now() + dayMs) });
  const other = await throwawayCertificates();
  const { certificate, key } = await certificates.renew();
  for (
    const [given, identity, reason] of [
      ["has expired", expired, /Cannot use the certificate \S+: it expired at \d{4}-/],
      ["is of tomorrow", tomorrow, /Cannot use the certificate \S+: it is not valid before \d{4}-/],
      [
        "is of another key",
        { certificate, key: other.key },
        /it is the key of another certificate/,
      ],
      ["is no certificate", { certificate: "hello", key }, /it holds no certificate in PEM/],
      ["is cut in the middle", { certificate: certificate.slice(0, 300), key }, /no certificate/],
      ["has a key that is none", { certificate, key: "hello" }, /Cannot use the key/],
    ] as const
  ) {
    await t.step(given, async () => {
      await install(node, identity);
      const said = await hangUp(agent);
      match(said, /^ERROR Still showing the certificate from before: /);
      match(said, reason);
      const client = node.client({ ca: certificates.ca });
      strictEqual((await client.nodeStatus({}, ample)).nodeName, "rift");
      client.close();
    });
  }
  await t.step("is not there", async () => {
    await Deno.remove(`${node.folder}/cert.pem`);
    match(await hangUp(agent), /^ERROR Still showing .*there is no such file/);
  });
});

Deno.test("an agent whose certificate has expired serves, and both sides say so", async () => {
  await using home = await ThrowAwayFolder.make();
  await using node = await ProcessNode.make();
  const certificates = await throwawayCertificates({ issuedAt: longAgo });
  await install(node, certificates);
  const agent = await node.start().serving();
  match(
    agent.messages("ERROR").join("\n"),
    /^Clients refuse the certificate "?\S+\/cert\.pem"?: "?it expired at \d{4}-.*SIGHUP$/,
  );

  const mcp = (...args: readonly string[]) =>
    runMcp(home.path, args, { env: { MCP_TOKEN: node.adminToken } });
  const added = await mcp(
    "node",
    "add",
    "rift",
    node.address,
    "--ca-data",
    certificates.caDerBase64,
  );
  strictEqual(added.code, 0, added.err);
  const expiredAt = new X509Certificate(certificates.certificate).validTo;
  const refused = await mcp("service", "show", "web");
  strictEqual(refused.code, 6, refused.out);
  strictEqual(
    refused.err,
    `Error: Node "rift" did not answer: Cannot reach ${node.address}: its certificate expired at ${
      new Date(expiredAt).toISOString()
    }\nNext: On the node, put a new certificate and its key in place and run ` +
      "`systemctl reload mcp-agent`; see as well that the clocks of both machines are right\n",
  );
  const status = await mcp("status");
  strictEqual(status.code, 6);
  match(status.out, /its certificate expired at/);

  await install(node, await certificates.renew());
  match(await hangUp(agent), /^INFO Certificate/);
  const well = await mcp("status");
  strictEqual(well.code, 0, well.err);
});
