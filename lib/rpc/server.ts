/**
 * Serves one gRPC service over TLS until told to stop, then lets calls finish.
 *
 * @module
 */

import type { DescService, Message } from "@bufbuild/protobuf";
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  type ServerUnaryCall,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { Buffer } from "node:buffer";
import { type EventEmitter, once } from "node:events";
import { McpError } from "../errors.ts";
import { serviceDefinition } from "./definition.ts";
import type { Call, Handler } from "./call.ts";
import { dropGoaway } from "./goaway.ts";
import { maxMessageBytes } from "./messages.ts";
import { toStatus } from "./status.ts";
import { type ServerIdentity, TlsServerCredentials } from "./tls.ts";
import { widenWindow } from "./window.ts";

/** What a server needs. */
interface ServeOptions {
  readonly service: DescService;
  /** "host:port"; port 0 takes a free one. */
  readonly address: string;
  readonly identity: ServerIdentity;
  /** Answers every call of the service, whichever its method. */
  readonly handler: Handler;
}

/** A running server. */
interface RunningServer {
  readonly port: number;
  /**
   * Shows another certificate to whoever connects from now on. Calls and streams that are open
   * stay as they are.
   *
   * @throws {McpError} `invalid` when certificate and key are not a pair in PEM; then the one before
   *   is still shown.
   */
  replaceIdentity(identity: ServerIdentity): void;
  /** Refuses new calls, waits for running ones up to `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>;
}

/**
 * How long clients are given to hang up by themselves after the last call has ended.
 *
 * A client on Deno 2.9.6 that is told GOAWAY on a connection whose streams have ended a moment
 * before may die of it, inside nghttp2 (denoland/deno#36788; seen in 16 of 45 runs of 30
 * connections). Ours hang up when they have their answer: then nobody is left to be told.
 */
const hangUpMs = 100;

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
  const calls = new RunningCalls();
  const handler: Handler = (call) => calls.run(() => options.handler(call));
  const implementation: UntypedServiceImplementation = {};
  for (const method of options.service.methods) {
    switch (method.methodKind) {
      case "unary":
        implementation[method.name] = unary(method, handler);
        break;
      case "server_streaming":
        implementation[method.name] = streaming(method, handler);
        break;
      default:
        throw new Error(`${method.name} is ${method.methodKind}: such methods are not served`);
    }
  }
  server.addService(serviceDefinition(options.service), implementation);
  const credentials = new TlsServerCredentials(options.identity);
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
  dropGoaway(server);
  widenWindow(server);
  return {
    port,
    replaceIdentity: (identity) => credentials.replace(identity),
    async close(graceMs) {
      await within(graceMs, calls.end());
      await within(hangUpMs);
      const isDown = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      // Streams that were not over in time are cut; so are clients that keep their connection.
      if (calls.count > 0 || !await within(hangUpMs, isDown)) server.forceShutdown();
    },
  };
}

/** The calls under way. */
class RunningCalls {
  count = 0;
  #isEnding = false;
  readonly #ended = Promise.withResolvers<void>();

  /** Runs a call, unless the server is ending. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isEnding) throw new McpError("unavailable", "The server is stopping");
    this.count++;
    try {
      return await work();
    } finally {
      this.count--;
      if (this.#isEnding && this.count === 0) this.#ended.resolve();
    }
  }

  /** Lets no more calls begin; resolves when the last one has ended. */
  end(): Promise<void> {
    this.#isEnding = true;
    if (this.count === 0) this.#ended.resolve();
    return this.#ended.promise;
  }
}

/** Waits for the promise, no longer than this; whether it was in time. */
async function within(durationMs: number, promise?: Promise<void>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), durationMs);
  });
  const inTime = promise?.then(() => true);
  const result = await (inTime === undefined ? late : Promise.race([inTime, late]));
  clearTimeout(timer);
  return result;
}

function unary(method: Call["method"], handler: Handler): handleUnaryCall<Message, Message> {
  return (call, callback) => {
    const send = () => Promise.reject(new Error(`${method.name} is unary: it returns its answer`));
    const { asked, over } = toCall(call, method, send);
    Promise.try(handler, asked).finally(over).then(
      (response) => callback(null, response ?? undefined),
      (error: unknown) => callback(asSent(error)),
    );
  };
}

function streaming(
  method: Call["method"],
  handler: Handler,
): handleServerStreamingCall<Message, Message> {
  return (stream) => {
    const { asked, over } = toCall(stream, method, async (message) => {
      asked.signal.throwIfAborted();
      // A slow reader makes its sender wait, and nobody else.
      if (stream.write(message)) return;
      try {
        await once(stream, "drain", { signal: asked.signal });
      } catch (error) {
        // Why it was called off says more than that it was.
        asked.signal.throwIfAborted();
        throw error;
      }
    });
    Promise.try(handler, asked).finally(over).then(
      () => stream.end(),
      (error: unknown) => stream.emit("error", asSent(error)),
    );
  };
}

/** An error as grpc-js sends it. */
function asSent(error: unknown) {
  const { code, details, metadata: pairs } = toStatus(error);
  const metadata = new Metadata();
  for (const [key, value] of pairs) metadata.add(key, Buffer.from(value));
  return { code, details, metadata };
}

/** The call as the handler sees it; `over` says that the handler needs to hear no more of it. */
function toCall(
  call: ServerUnaryCall<Message, Message> | ServerWritableStream<Message, Message>,
  method: Call["method"],
  send: Call["send"],
): { readonly asked: Call; readonly over: () => void } {
  const gone = new AbortController();
  const events: EventEmitter = call;
  const onCancelled = () => gone.abort(new McpError("unavailable", "The client went away"));
  events.on("cancelled", onCancelled);
  const asked: Call = {
    method,
    request: call.request,
    peer: call.getPeer(),
    signal: gone.signal,
    header: (name) => call.metadata.get(name)[0]?.toString(),
    send,
  };
  // grpc-js says so at the end of every call, also of one that was answered.
  return { asked, over: () => void events.off("cancelled", onCancelled) };
}
