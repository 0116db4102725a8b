/**
 * Calls one service of one node: promises, deadlines, tokens.
 *
 * @module
 */

import type {
  DescMessage,
  DescMethod,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import {
  Client,
  type ClientReadableStream,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import type { Buffer } from "node:buffer";
import { McpError } from "../errors.ts";
import { certificateTrouble } from "./certificate_trouble.ts";
import { maxMessageBytes, methodDefinition } from "./definition.ts";
import { fromStatus } from "./status.ts";
import { parseAddress } from "./address.ts";
import { clientIdentity, Trust } from "./tls.ts";
import { windowBytes } from "./window.ts";

/** How one call is made. */
export interface CallOptions {
  /** The call is given up when it has not ended by then; Infinity for a stream without an end. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** A method of `Service` as a function; a streaming one gives its messages as they come. */
type Calls<Service extends DescService> = {
  readonly [Name in keyof Service["method"]]: Service["method"][Name] extends
    DescMethodUnary<infer Input, infer Output>
    ? (request: MessageInitShape<Input>, options: CallOptions) => Promise<MessageShape<Output>>
    : Service["method"][Name] extends DescMethodServerStreaming<infer Input, infer Output> ? (
        request: MessageInitShape<Input>,
        options: CallOptions,
      ) => AsyncIterable<MessageShape<Output>>
    : never;
};

/** A connection to one node; every method of the service, and an end. */
export type RpcClient<Service extends DescService> = Calls<Service> & {
  close(): void;
};

/** Where and as whom to call. */
export interface ConnectOptions<Service extends DescService> {
  readonly service: Service;
  /** "host:port". */
  readonly address: string;
  /** PEM of the only CA to trust; the well-known roots when undefined; or what was made of it. */
  readonly ca: string | undefined | Trust;
  /** Sent as `authorization: Bearer …`; nothing is sent when undefined. */
  readonly token: string | undefined;
}

/**
 * Makes a client; nothing is sent before the first call.
 *
 * @throws {McpError} `invalid` when the address is none or the CA is not PEM,
 *   `unauthenticated` when the token cannot be one.
 */
export function connect<Service extends DescService>(
  { service, address, ca, token }: ConnectOptions<Service>,
): RpcClient<Service> {
  const parsed = parseAddress(address);
  if (parsed === undefined) {
    throw new McpError("invalid", `Cannot dial ${JSON.stringify(address)}: it is not "host:port"`);
  }
  const trust = ca instanceof Trust ? ca : new Trust(ca);
  const identity = clientIdentity(parsed.host, trust);
  const client = new Client(address, identity.credentials, {
    ...identity.channelOptions,
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
    // A cut link would otherwise hang until the deadline.
    "grpc.keepalive_time_ms": 2_000,
    "grpc.keepalive_timeout_ms": 2_000,
    // Each client dials for itself: a shared channel would be shared with its CA and its failures.
    "grpc.use_local_subchannel_pool": 1,
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_retries": 0,
    "grpc-node.flow_control_window": windowBytes,
  });
  const metadata = metadataWith(token);
  const explain = () => certificateTrouble(parsed, trust.ca);

  const calls = service.methods.map((method) => {
    const caller = { client, method, metadata, address, explain };
    const call = method.methodKind === "server_streaming"
      ? (request: MessageInitShape<DescMessage>, options: CallOptions) =>
        callStreaming(caller, request, options)
      : (request: MessageInitShape<DescMessage>, options: CallOptions) =>
        callUnary(caller, request, options);
    return [method.localName, call];
  });
  return { ...Object.fromEntries(calls), close: () => client.close() };
}

/** What every call of one method needs. */
interface Caller {
  readonly client: Client;
  readonly method: DescMethod;
  readonly metadata: Metadata;
  readonly address: string;
  /** Why its certificate is refused, when that is its age. */
  explain(): Promise<string | undefined>;
}

function callUnary(
  caller: Caller,
  request: MessageInitShape<DescMessage>,
  options: CallOptions,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const definition = methodDefinition(caller.method);
    const sent = caller.client.makeUnaryRequest(
      definition.path,
      (bytes: Buffer) => bytes,
      definition.responseDeserialize,
      serialize(caller, request),
      caller.metadata,
      { deadline: Date.now() + options.timeoutMs },
      (error, response) => {
        options.signal?.removeEventListener("abort", cancel);
        if (error === null) resolve(response);
        else toError(error, caller, options).then(reject, reject);
      },
    );
    const cancel = () => sent.cancel();
    options.signal?.addEventListener("abort", cancel, { once: true });
    if (options.signal?.aborted) cancel();
  });
}

/** Leaving the loop over the messages calls the stream off. */
async function* callStreaming(
  caller: Caller,
  request: MessageInitShape<DescMessage>,
  options: CallOptions,
): AsyncIterable<unknown> {
  const definition = methodDefinition(caller.method);
  const sent = caller.client.makeServerStreamRequest(
    definition.path,
    (bytes: Buffer) => bytes,
    definition.responseDeserialize,
    serialize(caller, request),
    caller.metadata,
    { deadline: Date.now() + options.timeoutMs },
  );
  const cancel = () => sent.cancel();
  options.signal?.addEventListener("abort", cancel, { once: true });
  if (options.signal?.aborted) cancel();
  try {
    yield* messagesOf(sent);
  } catch (error) {
    throw isServiceError(error) ? await toError(error, caller, options) : error;
  } finally {
    options.signal?.removeEventListener("abort", cancel);
    sent.cancel();
  }
}

/**
 * The messages of a stream, all of them, and then the failure that it ended with. Node's own way to
 * loop over a stream forgets what has come and was not read yet when it fails.
 */
async function* messagesOf(stream: ClientReadableStream<unknown>): AsyncIterable<unknown> {
  const unread: unknown[] = [];
  let failure: unknown;
  let isOver = false;
  let news = Promise.withResolvers<void>();
  stream.on("data", (message: unknown) => {
    unread.push(message);
    // Whoever reads slowly makes the sender wait.
    stream.pause();
    news.resolve();
  });
  stream.on("error", (error) => failure = error);
  stream.on("end", () => {
    isOver = true;
    news.resolve();
  });
  while (!isOver) {
    await news.promise;
    news = Promise.withResolvers();
    while (unread.length > 0) yield unread.shift();
    stream.resume();
  }
  if (failure !== undefined) throw failure;
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "details" in error;
}

function serialize({ method, address }: Caller, request: MessageInitShape<DescMessage>) {
  const message = methodDefinition(method).requestSerialize(create(method.input, request));
  if (message.byteLength > maxMessageBytes) {
    throw new McpError(
      "invalid",
      `Cannot send ${message.byteLength} bytes to ${address}: ` +
        `a message holds ${maxMessageBytes} bytes at most`,
    );
  }
  return message;
}

function metadataWith(token: string | undefined): Metadata {
  const metadata = new Metadata();
  if (token === undefined) return metadata;
  try {
    metadata.set("authorization", `Bearer ${token}`);
  } catch {
    // The cause is left out: it spells the token out.
    throw new McpError("unauthenticated", "Cannot send the token: no header can hold it");
  }
  return metadata;
}

async function toError(
  error: ServiceError,
  { address, explain }: Pick<Caller, "address" | "explain">,
  options: CallOptions,
): Promise<McpError> {
  if (options.signal?.aborted) {
    return new McpError("unavailable", `The call to ${address} was called off`);
  }
  if (error.code === status.DEADLINE_EXCEEDED) {
    const seconds = options.timeoutMs / 1000;
    return new McpError("unavailable", `No answer from ${address} within ${seconds} s`);
  }
  const received = fromStatus(error);
  // grpc-js reports its own failures to connect with the status that a server may send as well;
  // its sentences begin like this (seen with grpc-js 1.14).
  if (/^(No connection established|Name resolution failed|14 UNAVAILABLE)/.test(error.details)) {
    const failure = connectFailure(error.details);
    const trouble = /certificate/.test(failure) ? await explain() : undefined;
    return new McpError(
      "unavailable",
      `Cannot reach ${address}: ${trouble ?? failure}`,
      trouble === undefined ? {} : { hint: renewalHint },
    );
  }
  return received;
}

const renewalHint =
  "On the node, put a new certificate and its key in place and run `systemctl reload mcp-agent`; " +
  "see as well that the clocks of both machines are right";

/** The part of grpc-js's sentence that says what happened. */
function connectFailure(details: string): string {
  const text =
    /Last error: (?:Error(?: \[\w+\])?: )?(.*?)\.? Resolution note:/.exec(details)?.[1] ?? details;
  return connectFailures[/\bE[A-Z]{4,}\b/.exec(text)?.[0] ?? ""] ?? text;
}

const connectFailures: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  ETIMEDOUT: "connection timed out",
};
