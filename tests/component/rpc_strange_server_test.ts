/** The client against servers that do what ours never does: in gRPC, in HTTP/2, and in TLS. */

import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect as connectTls, createServer, type TlsOptions, type TLSSocket } from "node:tls";
import { McpError } from "../../lib/errors.ts";
import { connect } from "../../lib/rpc/client.ts";
import { flag, frame, frameBytes, FrameReader, numbers } from "../../lib/rpc/frames.ts";
import { HeaderError, readHeaders, writeHeaders } from "../../lib/rpc/header_block.ts";
import { framed, maxMessageBytes } from "../../lib/rpc/messages.ts";
import { windowBytes } from "../../lib/rpc/window.ts";
import { ListServicesResponseSchema, McpAgent } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { throwawayCertificates } from "../support/certificates.ts";

const certificates = await throwawayCertificates();
const ample = { timeoutMs: 60_000 };
const prefaceBytes = 24;

/** A client's connection as the server sees it, after its first request. */
interface Caller {
  readonly socket: TLSSocket;
  /** Which call of the connection it is, by the stream's number. */
  readonly stream: number;
  /** Types of the frames that came so far, of all streams. */
  readonly seen: readonly number[];
  send(...frames: readonly Uint8Array[]): void;
}

/** A server that does as it is told whenever a request begins. */
async function start(act: (caller: Caller) => void, options: TlsOptions = {}) {
  const server = createServer({
    cert: certificates.certificate,
    key: certificates.key,
    ALPNProtocols: ["h2"],
    ...options,
  });
  const sockets: TLSSocket[] = [];
  server.on("secureConnection", (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    const reader = new FrameReader();
    const seen: number[] = [];
    let skip = prefaceBytes;
    socket.on("data", (chunk: Uint8Array) => {
      const rest = chunk.subarray(Math.min(skip, chunk.byteLength));
      skip -= chunk.byteLength - rest.byteLength;
      for (const { type, stream } of reader.read(rest)) {
        seen.push(type);
        if (type !== frame.headers) continue;
        const send = (...frames: readonly Uint8Array[]) => void socket.write(Buffer.concat(frames));
        act({ socket, stream, seen, send });
      }
    });
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = connect({
    service: McpAgent,
    address: `localhost:${port}`,
    ca: certificates.ca,
    token: undefined,
  });
  return {
    client,
    port,
    sockets,
    async [Symbol.asyncDispose]() {
      client.close();
      for (const socket of sockets) socket.destroy();
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

const settings = frameBytes(frame.settings, 0, 0, new Uint8Array());
const grpc = [[":status", "200"], ["content-type", "application/grpc+proto"]] as const;
const fine = [["grpc-status", "0"]] as const;
const message = framed(
  toBinary(
    ListServicesResponseSchema,
    create(ListServicesResponseSchema, { services: [{ name: "mcr" }] }),
  ),
);

function headers(
  stream: number,
  pairs: readonly (readonly [string, string])[],
  flags: number = flag.endHeaders,
): Uint8Array {
  return frameBytes(frame.headers, flags, stream, writeHeaders(pairs));
}

const last = flag.endHeaders | flag.endStream;

function data(stream: number, bytes: Uint8Array, flags = 0): Uint8Array {
  return frameBytes(frame.data, flags, stream, bytes);
}

function whole(stream: number): Uint8Array[] {
  return [settings, headers(stream, grpc), data(stream, message), headers(stream, fine, last)];
}

// --- What is odd and allowed ---

const allowed: Readonly<Record<string, (caller: Caller) => void>> = {
  "an answer byte by byte": ({ socket, stream }) => {
    for (const byte of Buffer.concat(whole(stream))) socket.write(Uint8Array.of(byte));
  },
  "word that the answer takes a while": ({ stream, send }) =>
    send(settings, headers(stream, [[":status", "100"]]), ...whole(stream).slice(1)),
  "padding, priorities, and frames that nobody knows": ({ stream, send }) =>
    send(
      settings,
      frameBytes(0xfe, 0xff, stream, new Uint8Array(7)),
      frameBytes(
        frame.headers,
        flag.endHeaders | flag.padded | flag.priority,
        stream,
        Buffer.concat([Uint8Array.of(3), new Uint8Array(5), writeHeaders(grpc), new Uint8Array(3)]),
      ),
      data(
        stream,
        Buffer.concat([Uint8Array.of(200), message, new Uint8Array(200)]),
        flag.padded,
      ),
      headers(stream, fine, last),
    ),
  "headers in several frames": ({ stream, send }) => {
    const block = writeHeaders(grpc);
    send(
      settings,
      frameBytes(frame.headers, 0, stream, block.subarray(0, 3)),
      frameBytes(frame.continuation, 0, stream, new Uint8Array()),
      frameBytes(frame.continuation, flag.endHeaders, stream, block.subarray(3)),
      data(stream, message),
      headers(stream, fine, last),
    );
  },
  "data of a stream that is over": ({ stream, send }) =>
    send(...whole(stream), data(stream, new Uint8Array(10))),
};
for (const [what, act] of Object.entries(allowed)) {
  Deno.test(`rpc takes ${what}`, async () => {
    await using server = await start(act);
    strictEqual((await server.client.listServices({}, ample)).services[0]?.name, "mcr");
  });
}

Deno.test("rpc takes many calls over one connection, and answers a ping", async () => {
  const seen: number[][] = [];
  await using server = await start((caller) => {
    seen.push([...caller.seen]);
    caller.send(frameBytes(frame.ping, 0, 0, new Uint8Array(8)), ...whole(caller.stream));
  });
  for (let call = 0; call < 3; call++) await server.client.listServices({}, ample);
  strictEqual(server.sockets.length, 1);
  ok(seen.at(-1)?.includes(frame.ping), "no answer came to the ping");
});

Deno.test("rpc dials anew after a goodbye, and lets the call finish that was under way", async () => {
  await using server = await start(({ stream, send }) => {
    const bye = frameBytes(frame.goaway, 0, 0, numbers(stream, 0));
    send(settings, bye, ...whole(stream).slice(1));
  });
  for (let call = 1; call <= 2; call++) {
    strictEqual((await server.client.listServices({}, ample)).services.length, 1);
    strictEqual(server.sockets.length, call);
  }
});

// --- What is no answer ---

const refused: Readonly<
  Record<string, readonly [kind: string, message: RegExp, act: (caller: Caller) => void]>
> = {
  "a status and nothing else, its message encoded": [
    "not_found",
    /^kein „Dienst“\n$/,
    ({ stream, send }) =>
      send(
        settings,
        headers(stream, [
          ...grpc,
          ["grpc-status", "5"],
          ["grpc-message", encodeURIComponent("kein „Dienst“\n")],
        ], last),
      ),
  ],
  "a message that is encoded wrongly": [
    "not_found",
    /^100%$/,
    ({ stream, send }) =>
      send(
        settings,
        headers(stream, [...grpc, ["grpc-status", "5"], ["grpc-message", "100%"]], last),
      ),
  ],
  "a status that is no number": [
    "internal",
    /^$/,
    ({ stream, send }) => send(settings, headers(stream, [...grpc, ["grpc-status", "fine"]], last)),
  ],
  "a proxy that does not reach the node": [
    "unavailable",
    /speaks HTTP and not gRPC: it said 502 and "text\/html"/,
    ({ stream, send }) =>
      send(
        settings,
        headers(stream, [[":status", "502"], ["content-type", "text/html"]]),
        data(stream, Buffer.from("<h1>"), flag.endStream),
      ),
  ],
  "a web page": [
    "internal",
    /it said 200 and "text\/html"/,
    ({ stream, send }) =>
      send(settings, headers(stream, [[":status", "200"], ["content-type", "text/html"]])),
  ],
  "an end without a status": [
    "internal",
    /without a status/,
    ({ stream, send }) =>
      send(settings, headers(stream, grpc), data(stream, message, flag.endStream)),
  ],
  "data before headers": [
    "internal",
    /without a status/,
    ({ stream, send }) => send(settings, data(stream, message)),
  ],
  "no answer and that all is fine": [
    "internal",
    /gave 0 answers/,
    ({ stream, send }) => send(settings, headers(stream, grpc), headers(stream, fine, last)),
  ],
  "two answers": [
    "internal",
    /gave 2 answers/,
    ({ stream, send }) =>
      send(
        settings,
        headers(stream, grpc),
        data(stream, Buffer.concat([message, message])),
        headers(stream, fine, last),
      ),
  ],
  "a message that is compressed": [
    "internal",
    /compressed/,
    ({ stream, send }) =>
      send(settings, headers(stream, grpc), data(stream, Uint8Array.of(1, 0, 0, 0, 0))),
  ],
  "a message that is too long": [
    "invalid",
    new RegExp(`of 4294967295 bytes, of ${maxMessageBytes} at most`),
    ({ stream, send }) =>
      send(settings, headers(stream, grpc), data(stream, Uint8Array.of(0, 255, 255, 255, 255))),
  ],
  "an end in the middle of a message": [
    "internal",
    /in the middle of a message/,
    ({ stream, send }) =>
      send(
        settings,
        headers(stream, grpc),
        data(stream, message.subarray(0, 7)),
        headers(stream, fine, last),
      ),
  ],
  "a call that is refused": [
    "unavailable",
    /refused/,
    ({ stream, send }) => send(settings, frameBytes(frame.reset, 0, stream, numbers(7))),
  ],
  "a goodbye before the call": [
    "unavailable",
    /refused/,
    ({ send }) => send(settings, frameBytes(frame.goaway, 0, 0, numbers(0, 0))),
  ],
  "a connection that is cut": [
    "unavailable",
    /connection was lost/,
    ({ socket, stream }) => {
      socket.write(Buffer.concat([settings, headers(stream, grpc)]), () => socket.destroy());
    },
  ],
};

/** Each ends the connection. */
const broken: Readonly<Record<string, (stream: number) => readonly Uint8Array[]>> = {
  "HTTP/1": () => [Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
  "a frame that is too long": () => [Uint8Array.of(0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1)],
  "a push": (stream) => [frameBytes(frame.push, flag.endHeaders, stream, numbers(2))],
  "headers that are interrupted": (stream) => [
    frameBytes(frame.headers, 0, stream, writeHeaders(grpc)),
    data(stream, message),
  ],
  "headers that go on and did not begin": (stream) => [
    frameBytes(frame.continuation, flag.endHeaders, stream, writeHeaders(grpc)),
  ],
  "headers without an end": (stream) => [
    frameBytes(frame.headers, 0, stream, new Uint8Array()),
    ...Array.from(
      { length: 10_000 },
      () => frameBytes(frame.continuation, 0, stream, new Uint8Array()),
    ),
  ],
  "headers of a table that there is not": (stream) => [
    frameBytes(frame.headers, flag.endHeaders, stream, Uint8Array.of(0xbe)),
  ],
  "headers of no call": () => [headers(77, grpc)],
  "data of no call": () => [data(77, message)],
  "more padding than there is": (stream) => [data(stream, Uint8Array.of(9, 1), flag.padded)],
  "settings of a wrong length": () => [frameBytes(frame.settings, 0, 0, new Uint8Array(5))],
  "a window that is too large": () => [frameBytes(frame.window, 0, 0, numbers(2 ** 31 - 1))],
};
for (const [what, frames] of Object.entries(broken)) {
  Deno.test(`rpc ends a connection over ${what}`, async () => {
    await using server = await start(({ stream, send }) => send(...frames(stream)));
    const failure = await failureOf(server.client.listServices({}, ample));
    strictEqual(failure.kind, "unavailable");
    match(failure.message, /^The connection was lost: the other side does not keep to HTTP\/2: /);
  });
}

for (const [what, [kind, sentence, act]] of Object.entries(refused)) {
  Deno.test(`rpc refuses ${what}`, async () => {
    await using server = await start(act);
    const failure = await failureOf(server.client.listServices({}, ample));
    strictEqual(failure.kind, kind, failure.message);
    match(failure.message, sentence);
  });
}

Deno.test("rpc ends a connection over more than a reader has made room for", async () => {
  await using server = await start(({ stream, send }) => {
    send(settings, headers(stream, grpc), data(stream, Uint8Array.of(0, 0, 0, 0, 0)));
    for (let sent = 0; sent <= windowBytes; sent += 16_000) {
      send(data(stream, new Uint8Array(16_000)));
    }
  });
  const stream = server.client.watchEvents({}, ample)[Symbol.asyncIterator]();
  strictEqual((await stream.next()).done, false);
  const [socket] = server.sockets;
  // Nobody reads on, and the connection ends all the same.
  if (socket !== undefined && !socket.closed) await once(socket, "close");
  const failure = await failureOf((async () => {
    while (!(await stream.next()).done);
  })());
  match(failure.message, /it sends more than it may$/);
});

Deno.test("rpc gives up a connection that does not answer any more", async () => {
  await using server = await start(() => {});
  const failure = await failureOf(server.client.listServices({}, ample));
  strictEqual(failure.kind, "unavailable");
  strictEqual(failure.message, "The connection was lost: it does not answer any more");
});

Deno.test("rpc refuses a server that does not agree on HTTP/2", async () => {
  await using server = await start(() => {}, { ALPNProtocols: [] });
  const failure = await failureOf(server.client.listServices({}, ample));
  strictEqual(failure.kind, "unavailable");
  match(failure.message, /^Cannot reach localhost:\d+: .*HTTP\/2/);
});

Deno.test("rpc refuses a server that knows no newer TLS than 1.2", async () => {
  await using server = await start(({ stream, send }) => send(...whole(stream)), {
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.2",
  });
  const failure = await failureOf(server.client.listServices({}, ample));
  strictEqual(failure.kind, "unavailable");
  match(failure.message, /^Cannot reach localhost:\d+: /);
  // Who takes 1.2 gets through.
  const lenient = connectTls({
    host: "localhost",
    port: server.port,
    ca: certificates.ca,
    minVersion: "TLSv1.2",
    ALPNProtocols: ["h2"],
  });
  await once(lenient, "secureConnect");
  strictEqual(lenient.getProtocol(), "TLSv1.2");
  lenient.destroy();
});

async function failureOf(call: Promise<unknown>): Promise<McpError> {
  const failure = await call.then(() => undefined, (error: unknown) => error);
  ok(failure instanceof McpError, Deno.inspect(failure));
  return failure;
}

// --- Whatever comes ---

Deno.test("FrameReader reads the same frames, however they are cut", () => {
  const frames = fc.array(
    fc.record({
      type: fc.nat(255),
      flags: fc.nat(255),
      stream: fc.nat(2 ** 31 - 1),
      payload: fc.uint8Array({ maxLength: 300 }),
    }),
    { maxLength: 8 },
  );
  fc.assert(fc.property(frames, fc.array(fc.integer({ min: 1, max: 50 })), (sent, cuts) => {
    const bytes = Buffer.concat(
      sent.map(({ type, flags, stream, payload }) => frameBytes(type, flags, stream, payload)),
    );
    const reader = new FrameReader();
    const received: unknown[] = [];
    let at = 0;
    for (const cut of [...cuts, bytes.byteLength]) {
      for (const { payload, ...head } of reader.read(bytes.subarray(at, at + cut))) {
        received.push({ ...head, payload: [...payload] });
      }
      at += cut;
    }
    deepStrictEqual(
      received,
      sent.map(({ payload, ...head }) => ({ ...head, payload: [...payload] })),
    );
  }));
});

Deno.test("readHeaders() reads what writeHeaders() writes, however long", () => {
  const text = (maxLength: number) =>
    fc.array(fc.integer({ min: 0x21, max: 0x7e }), { minLength: 1, maxLength })
      .map((codes) => String.fromCharCode(...codes));
  fc.assert(fc.property(
    fc.uniqueArray(fc.tuple(text(200), text(5_000)), { selector: ([name]) => name }),
    (pairs) => deepStrictEqual([...readHeaders(writeHeaders(pairs))], pairs),
  ));
});

Deno.test("readHeaders() reads or refuses, whatever it is given", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (block) => {
    try {
      readHeaders(block);
    } catch (error) {
      ok(error instanceof HeaderError, String(error));
    }
  }));
});
