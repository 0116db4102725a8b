/**
 * Serves one gRPC service over TLS until told to stop, then lets calls finish.
 *
 * @module
 */

import type { DescService, Message } from "@bufbuild/protobuf";
import {
  type handleUnaryCall,
  Server,
  type ServerUnaryCall,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { McpError } from "../errors.ts";
import { maxMessageBytes, serviceDefinition } from "./definition.ts";
import type { Call, Handler } from "./interceptor.ts";
import { toStatus } from "./status.ts";
import { serverCredentials, type ServerIdentity } from "./tls.ts";

/** What a server needs. */
export interface ServeOptions {
  readonly service: DescService;
  /** "host:port"; port 0 takes a free one. */
  readonly address: string;
  readonly identity: ServerIdentity;
  /** Answers every call of the service, whichever its method. */
  readonly handler: Handler;
}

/** A running server. */
export interface RunningServer {
  readonly port: number;
  /** Refuses new calls, waits for running ones up to `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>;
}

/**
 * Starts serving.
 *
 * @throws {McpError} `unavailable` when the address cannot be listened on.
 */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const server = new Server({
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
  });
  const implementation: UntypedServiceImplementation = {};
  for (const method of options.service.methods) {
    if (method.methodKind !== "unary") {
      throw new Error(`${method.name} is ${method.methodKind}: only unary methods are served`);
    }
    const answer: handleUnaryCall<Message, Message> = (call, callback) => {
      Promise.try(options.handler, toCall(call, method)).then(
        (response) => callback(null, response),
        (error: unknown) => callback(toStatus(error)),
      );
    };
    implementation[method.name] = answer;
  }
  server.addService(serviceDefinition(options.service), implementation);
  const credentials = serverCredentials(options.identity);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(
      options.address,
      credentials,
      (error, bound) =>
        error === null ? resolve(bound) : reject(
          new McpError("unavailable", `Cannot listen on ${options.address}`, { cause: error }),
        ),
    )
  );
  return {
    port,
    close: (graceMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => {
          server.forceShutdown();
          resolve();
        }, graceMs);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

function toCall(call: ServerUnaryCall<Message, Message>, method: Call["method"]): Call {
  const gone = new AbortController();
  call.on("cancelled", () => gone.abort(new McpError("unavailable", "The client went away")));
  return {
    method,
    request: call.request,
    peer: call.getPeer(),
    signal: gone.signal,
    header: (name) => call.metadata.get(name)[0]?.toString(),
  };
}
