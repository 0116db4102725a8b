/**
 * A server by grpc-js and nothing else that answers one call with what it was given: the least that a
 * server on Deno can do. The messages and the TLS are as the agent's.
 *
 * @module
 */

import { Server, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { serviceDefinition } from "../../../lib/rpc/definition.ts";
import { TlsServerCredentials } from "../../../lib/rpc/tls.ts";
import { type ListServicesResponse, McpAgent } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import { throwawayCertificates } from "../../support/certificates.ts";

/** Serves ListServices until the process ends. */
export async function serveBare(
  answer: ListServicesResponse,
): Promise<{ readonly address: string; readonly ca: string }> {
  const { certificate, key, ca } = await throwawayCertificates();
  const server = new Server();
  const { ListServices: method } = serviceDefinition(McpAgent);
  if (method === undefined) throw new Error("The contract has no ListServices");
  const implementation: UntypedServiceImplementation = {
    ListServices: (
      _call: unknown,
      callback: (error: null, answer: ListServicesResponse) => void,
    ) => callback(null, answer),
  };
  server.addService({ ListServices: method }, implementation);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(
      "127.0.0.1:0",
      new TlsServerCredentials({ certificate, key }),
      (error, bound) => error === null ? resolve(bound) : reject(error),
    )
  );
  return { address: `127.0.0.1:${port}`, ca };
}
