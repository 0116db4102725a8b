/**
 * One call by grpc-js and nothing else: the least that a client on Deno can take.
 *
 * A program of its own, bundled as `mcp` is: `bare_call.js ADDRESS CA_FILE TOKEN_FILE NAME`, where the name
 * is one that the certificate has.
 *
 * @module
 */

import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { Buffer } from "node:buffer";

const [address = "", caFile = "", tokenFile = "", name = ""] = Deno.args;
const ca = Buffer.from(await Deno.readFile(caFile));
const metadata = new Metadata();
metadata.set("authorization", `Bearer ${(await Deno.readTextFile(tokenFile)).trim()}`);
const client = new Client(address, credentials.createSsl(ca), {
  "grpc.ssl_target_name_override": name,
  "grpc.default_authority": name,
});
const answer = await new Promise<Uint8Array | undefined>((resolve, reject) =>
  client.makeUnaryRequest(
    "/mcp.v1.McpAgent/ListServices",
    (bytes: Uint8Array) => Buffer.from(bytes),
    (bytes: Uint8Array) => bytes,
    new Uint8Array(),
    metadata,
    { deadline: Date.now() + 10_000 },
    (error, response) => error === null ? resolve(response) : reject(error),
  )
);
await Deno.stdout.write(new TextEncoder().encode(`${answer?.byteLength} bytes\n`));
Deno.exit(0);
