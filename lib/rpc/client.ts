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
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { McpError } from "../errors.ts";
import { requireAddress } from "./address.ts";
import { statusIn, statusOfReset, strangerIn } from "./answer_headers.ts";
import { certificateTrouble } from "./certificate_trouble.ts";
import { Connection, DialError } from "./connection.ts";
import type { H2Stream, StreamEvents } from "./h2_session.ts";
import type { Headers } from "./header_block.ts";
import { framed, maxMessageBytes, MessageReader } from "./messages.ts";
import { methodPath } from "./method_path.ts";
import { fromStatus, type Status, status } from "./status.ts";
import { Trust } from "./trust.ts";

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
  /** To this address, by this CA; made when undefined. It is closed with the client. */
  readonly connection?: Connection;
}

/**
 * Makes a client; nothing is sent before the first call.
 *
 * @throws {McpError} `invalid` when the address is none or the CA is not PEM,
 *   `unauthenticated` when the token cannot be one.
 */
export function connect<Service extends DescService>(
  { service, address, ca, token, connection }: ConnectOptions<Service>,
): RpcClient<Service> {
  const parsed = requireAddress(address);
  const trust = ca instanceof Trust ? ca : new Trust(ca);
  const caller: Caller = {
    connection: connection ?? new Connection(parsed, trust),
    address,
    authorization: authorizationOf(token),
    explain: () => certificateTrouble(parsed, trust.ca),
  };
  const calls = service.methods.map((method) => {
    const call = method.methodKind === "server_streaming"
      ? (request: MessageInitShape<DescMessage>, options: CallOptions) =>
        callStreaming(caller, method, request, options)
      : (request: MessageInitShape<DescMessage>, options: CallOptions) =>
        callUnary(caller, method, request, options);
    return [method.localName, call];
  });
  return { ...Object.fromEntries(calls), close: () => caller.connection.close() };
}

/** What every call has in common. */
interface Caller {
  readonly connection: Connection;
  readonly address: string;
  readonly authorization: string | undefined;
  /** Why its certificate is refused, when that is its age. */
  explain(): Promise<string | undefined>;
}

async function callUnary(
  caller: Caller,
  method: DescMethod,
  request: MessageInitShape<DescMessage>,
  options: CallOptions,
): Promise<unknown> {
  const answers: Uint8Array[] = [];
  for await (const messages of exchange(caller, method, request, options)) {
    answers.push(...messages);
  }
  const [answer] = answers;
  if (answer !== undefined && answers.length === 1) return fromBinary(method.output, answer);
  throw new McpError("internal", `${caller.address} gave ${answers.length} answers instead of one`);
}

/** Leaving the loop over the messages calls the stream off. */
async function* callStreaming(
  caller: Caller,
  method: DescMethod,
  request: MessageInitShape<DescMessage>,
  options: CallOptions,
): AsyncIterable<unknown> {
  for await (const messages of exchange(caller, method, request, options)) {
    for (const message of messages) yield fromBinary(method.output, message);
  }
}

/** The messages of an answer as they come, several at once where they do; throws when it fails. */
async function* exchange(
  caller: Caller,
  method: DescMethod,
  request: MessageInitShape<DescMessage>,
  { timeoutMs, signal }: CallOptions,
): AsyncGenerator<readonly Uint8Array[]> {
  const { address, authorization } = caller;
  const message = toBinary(method.input, create(method.input, request));
  if (message.byteLength > maxMessageBytes) {
    throw new McpError(
      "invalid",
      `Cannot send ${message.byteLength} bytes to ${address}: ` +
        `a message holds ${maxMessageBytes} bytes at most`,
    );
  }
  const answer = new Answer();
  const cancel = () =>
    answer.fail(new McpError("unavailable", `The call to ${address} was called off`));
  const expire = () =>
    answer.fail(
      new McpError("unavailable", `No answer from ${address} within ${timeoutMs / 1000} s`),
    );
  signal?.addEventListener("abort", cancel, { once: true });
  if (signal?.aborted) cancel();
  const deadline = timeoutMs === Infinity
    ? undefined
    : setTimeout(expire, Math.min(timeoutMs, longestTimerMs));
  try {
    if (answer.isOpen) {
      const headers: (readonly [string, string])[] = [
        [":path", methodPath(method)],
        ["te", "trailers"],
        ["content-type", "application/grpc"],
        ["user-agent", "mcp"],
      ];
      if (timeoutMs !== Infinity) headers.push(["grpc-timeout", grpcTimeout(timeoutMs)]);
      if (authorization !== undefined) headers.push(["authorization", authorization]);
      caller.connection.begin(headers, framed(message), answer).then(
        (stream) => answer.hasBegun(stream, () => caller.connection.end()),
        (error) => answer.fail(error),
      );
    }
    yield* answer.messages();
  } catch (error) {
    throw await toError(error, caller);
  } finally {
    clearTimeout(deadline);
    signal?.removeEventListener("abort", cancel);
    answer.leave();
  }
}

/** A timer that is told to take longer goes off at once. */
const longestTimerMs = 2 ** 31 - 1;

/** The time that a call has, as the server is told: 8 digits at most, and a unit. */
function grpcTimeout(timeoutMs: number): string {
  const ms = Math.max(1, Math.ceil(timeoutMs));
  return ms < 100_000_000 ? `${ms}m` : `${Math.min(99_999_999, Math.ceil(ms / 1000))}S`;
}

/** What comes back of one call. */
class Answer implements StreamEvents {
  readonly #reader = new MessageReader();
  #unread: Uint8Array[] = [];
  /** Bytes that are to be told as read when what is unread is taken. */
  #untold = 0;
  #stream: H2Stream | undefined;
  #ended: (() => void) | undefined;
  #hasHeaders = false;
  #status: Status | undefined;
  #failure: unknown;
  #isOver = false;
  #news = Promise.withResolvers<void>();

  /** Whether it is still worth asking. */
  get isOpen(): boolean {
    return !this.#isOver;
  }

  /** The call has failed; what was received before is still read. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#failure = error;
    this.#over();
  }

  /** Nobody reads on. */
  leave(): void {
    this.fail(undefined);
  }

  /** @param ended Called once when the call is over. */
  hasBegun(stream: H2Stream, ended: () => void): void {
    this.#stream = stream;
    if (this.#isOver) {
      stream.cancel();
      return ended();
    }
    this.#ended = ended;
  }

  onHeaders(headers: Headers): void {
    if (this.#isOver) return;
    // "Wait, I am on it": the answer's own headers come later.
    if (!this.#hasHeaders && /^1\d\d$/.test(headers.get(":status") ?? "")) return;
    const stranger = this.#hasHeaders ? undefined : strangerIn(headers);
    this.#hasHeaders = true;
    if (stranger !== undefined) this.fail(new StatusError(stranger));
    else this.#status ??= statusIn(headers);
  }

  onData(chunk: Uint8Array): void {
    if (this.#isOver) return;
    if (!this.#hasHeaders) return this.fail(new StatusError(statusOfReset(0)));
    const messages = this.#reader.read(chunk);
    if ("code" in messages) return this.fail(new StatusError(messages));
    for (const message of messages) this.#unread.push(message);
    this.#untold += chunk.byteLength;
    // A message that has no end yet is let on; whoever reads slowly makes the sender wait.
    if (this.#unread.length > 0) return this.#news.resolve();
    this.#stream?.read(this.#untold);
    this.#untold = 0;
  }

  onEnd(): void {
    if (this.#isOver) return;
    const received = this.#status ?? statusOfReset(0);
    if (received.code !== status.OK) this.#failure = new StatusError(received);
    else if (!this.#reader.isWhole) {
      this.#failure = new StatusError({
        code: status.INTERNAL,
        details: "The answer ends in the middle of a message",
        metadata: [],
      });
    }
    this.#over();
  }

  onReset(code: number): void {
    this.fail(new StatusError(this.#status ?? statusOfReset(code)));
  }

  onLost(why: string): void {
    const details = `The connection was lost: ${why}`;
    this.fail(new StatusError({ code: status.UNAVAILABLE, details, metadata: [] }));
  }

  /** @throws What it failed with. */
  async *messages(): AsyncGenerator<readonly Uint8Array[]> {
    for (;;) {
      await this.#news.promise;
      this.#news = Promise.withResolvers();
      const messages = this.#unread;
      const byteLength = this.#untold;
      this.#unread = [];
      this.#untold = 0;
      if (messages.length > 0) {
        yield messages;
        this.#stream?.read(byteLength);
      }
      if (this.#isOver && this.#unread.length === 0) break;
      if (this.#isOver || this.#unread.length > 0) this.#news.resolve();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  #over(): void {
    this.#isOver = true;
    this.#stream?.cancel();
    this.#ended?.();
    this.#news.resolve();
  }
}

/** A call that ended with another status than OK. */
class StatusError extends Error {
  readonly status: Status;

  constructor(received: Status) {
    super(received.details);
    this.status = received;
  }
}

function authorizationOf(token: string | undefined): string | undefined {
  if (token === undefined) return undefined;
  // The token is not spelled out.
  if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(token)) {
    throw new McpError("unauthenticated", "Cannot send the token: no header can hold it");
  }
  return `Bearer ${token}`;
}

async function toError(error: unknown, { address, explain }: Caller): Promise<unknown> {
  if (error instanceof StatusError) return fromStatus(error.status);
  if (!(error instanceof DialError)) return error;
  const trouble = /certificate/.test(error.message) ? await explain() : undefined;
  return new McpError(
    "unavailable",
    `Cannot reach ${address}: ${trouble ?? error.message}`,
    trouble === undefined ? {} : { hint: renewalHint },
  );
}

const renewalHint =
  "On the node, put a new certificate and its key in place and run `systemctl reload mcp-agent`; " +
  "see as well that the clocks of both machines are right";
