import { create, type Message } from "@bufbuild/protobuf";
import {
  deepStrictEqual,
  doesNotMatch,
  match,
  ok,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import type { AddressInfo } from "node:net";
import { connect as connectTls, createServer, type TLSSocket } from "node:tls";
import { errorChain, type ErrorKind, McpError } from "../../lib/errors.ts";
import { type CallOptions, connect, type ConnectOptions } from "../../lib/rpc/client.ts";
import type { Call, Handler } from "../../lib/rpc/call.ts";
import { serve } from "../../lib/rpc/server.ts";
import { TlsServerCredentials } from "../../lib/rpc/tls.ts";
import {
  ListServicesResponseSchema,
  McpAgent,
  type PushFileRequest,
  PushFileResponseSchema,
  type WatchEventsResponse,
  WatchEventsResponseSchema,
} from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { throwawayCertificates } from "../support/certificates.ts";
import { eventually } from "../support/eventually.ts";

const certificates = await throwawayCertificates();
/** Longer than any answer takes, so that a test that reaches it has failed. */
const ample: CallOptions = { timeoutMs: 300_000 };

function answer(): Promise<Message> {
  return Promise.resolve(create(ListServicesResponseSchema, { services: [{ name: "mcr" }] }));
}

type Options = Partial<ConnectOptions<typeof McpAgent>>;

/** A server on the loopback and clients for it; all are closed together. */
async function start(
  { handler = answer, address = "127.0.0.1:0", identity = certificates }: {
    readonly handler?: Handler;
    readonly address?: string;
    readonly identity?: typeof certificates;
  } = {},
) {
  const server = await serve({ service: McpAgent, address, identity, handler });
  const clients: { close(): void }[] = [];
  return {
    port: server.port,
    server,
    client(options: Options = {}) {
      const client = connect({
        service: McpAgent,
        address: `localhost:${server.port}`,
        ca: certificates.ca,
        token: undefined,
        ...options,
      });
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
      await server.close(0);
    },
  };
}

async function failureOf(call: Promise<unknown>, kind: ErrorKind): Promise<McpError> {
  let failure: unknown;
  await rejects(call, (error) => (failure = error, true));
  ok(failure instanceof McpError, String(failure));
  strictEqual(failure.kind, kind, failure.message);
  return failure;
}

Deno.test("rpc carries a request, its token and the answer", async () => {
  const calls: Call[] = [];
  await using running = await start({
    handler: (call) => {
      calls.push(call);
      return Promise.resolve(create(PushFileResponseSchema, { success: true }));
    },
  });
  const response = await running.client({ token: "the-token" }).pushFile({
    service: "mcr",
    path: "a/b.toml",
    content: Uint8Array.of(0, 255),
    mode: 0o600,
  }, ample);
  strictEqual(response.success, true);
  const call = calls[0];
  const request = call?.request as PushFileRequest;
  deepStrictEqual(
    [request.service, request.path, [...request.content], request.mode],
    ["mcr", "a/b.toml", [0, 255], 0o600],
  );
  strictEqual(call?.method.name, "PushFile");
  strictEqual(call.header("authorization"), "Bearer the-token");
  strictEqual(call.header("mcp-nothing"), undefined);
  match(call.peer, /^127\.0\.0\.1:\d+$/);
});

Deno.test("rpc sends no authorization without a token", async () => {
  const headers: unknown[] = [];
  await using running = await start({
    handler: (call) => {
      headers.push(call.header("authorization"));
      return answer();
    },
  });
  await running.client().listServices({}, ample);
  deepStrictEqual(headers, [undefined]);
});

for (const host of ["localhost", "127.0.0.1"]) {
  Deno.test(`rpc dials ${host}`, async () => {
    await using running = await start();
    const client = running.client({ address: `${host}:${running.port}` });
    strictEqual((await client.listServices({}, ample)).services[0]?.name, "mcr");
  });
}

Deno.test("rpc dials an IPv6 address", async () => {
  await using running = await start({ address: "[::1]:0" });
  const client = running.client({ address: `[::1]:${running.port}` });
  strictEqual((await client.listServices({}, ample)).services[0]?.name, "mcr");
});

/** Handshakes with the server by hand; the protocol agreed upon, or why there is none. */
async function handshake(port: number, maxVersion: "TLSv1.2" | "TLSv1.3"): Promise<string> {
  try {
    return await shakeHands(port, maxVersion, (socket) => socket.getProtocol() ?? "");
  } catch {
    return "refused";
  }
}

/** The certificate that the server shows to who connects now, by its serial number. */
function shownSerial(port: number): Promise<string> {
  return shakeHands(port, "TLSv1.3", (socket) => socket.getPeerCertificate().serialNumber);
}

function shakeHands(
  port: number,
  maxVersion: "TLSv1.2" | "TLSv1.3",
  look: (socket: TLSSocket) => string,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connectTls({
      host: "localhost",
      port,
      ca: certificates.ca,
      maxVersion,
      ALPNProtocols: ["h2"],
    }, () => {
      resolve(look(socket));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

Deno.test("rpc refuses a client that knows no newer TLS than 1.2", async () => {
  await using running = await start();
  strictEqual(await handshake(running.port, "TLSv1.3"), "TLSv1.3");
  strictEqual(await handshake(running.port, "TLSv1.2"), "refused");
});

Deno.test("rpc refuses a server that knows no newer TLS than 1.2", async () => {
  const { certificate: cert, key, ca } = certificates;
  const server = createServer({ cert, key, maxVersion: "TLSv1.2", ALPNProtocols: ["h2"] });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const client = connect({ service: McpAgent, address: `127.0.0.1:${port}`, ca, token: "t" });
    const failure = await failureOf(client.listServices({}, ample), "unavailable");
    match(errorChain(failure), /protocol version|ProtocolVersion/i);
    client.close();
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

Deno.test("rpc shows a replaced certificate, in TLS 1.3 only, and cuts nobody off", async () => {
  const serialOf = ({ certificate }: { readonly certificate: string }) =>
    new X509Certificate(certificate).serialNumber;
  const go = Promise.withResolvers<void>();
  await using running = await start({
    async handler(call) {
      if (call.method.name !== "WatchEvents") return await answer();
      await call.send(event(1));
      await go.promise;
      return await call.send(event(2));
    },
  });
  const early = running.client();
  const watching = early.watchEvents({}, ample)[Symbol.asyncIterator]();
  strictEqual((await watching.next()).done, false);
  strictEqual(await shownSerial(running.port), serialOf(certificates));

  const renewed = await certificates.renew();
  running.server.replaceIdentity(renewed);
  strictEqual(await shownSerial(running.port), serialOf(renewed));
  strictEqual(await handshake(running.port, "TLSv1.3"), "TLSv1.3");
  strictEqual(await handshake(running.port, "TLSv1.2"), "refused");

  // Whoever was there stays, and calls on.
  strictEqual((await early.listServices({}, ample)).services[0]?.name, "mcr");
  go.resolve();
  strictEqual(idOf((await watching.next()).value), 2);
  strictEqual((await watching.next()).done, true);
  strictEqual((await running.client().listServices({}, ample)).services[0]?.name, "mcr");

  // What is no pair changes nothing.
  throws(() => running.server.replaceIdentity({ ...renewed, key: certificates.key }), {
    kind: "invalid",
  });
  strictEqual(await shownSerial(running.port), serialOf(renewed));
});

Deno.test("rpc refuses a server that another CA vouches for, and names the address", async () => {
  await using running = await start();
  const { ca } = await throwawayCertificates();
  const client = running.client({ ca });
  const failure = await failureOf(client.listServices({}, ample), "unavailable");
  match(errorChain(failure), new RegExp(`^Cannot reach localhost:${running.port}: .*certificate`));
});

Deno.test("rpc refuses a server that none of the well-known CAs vouches for", async () => {
  await using running = await start();
  const client = running.client({ ca: undefined });
  const failure = await failureOf(client.listServices({}, ample), "unavailable");
  match(errorChain(failure), new RegExp(`^Cannot reach localhost:${running.port}: .*certificate`));
});

for (
  const [given, hosts, host] of [
    ["another name", ["rift.example"], "localhost"],
    ["another address", ["127.0.0.2", "localhost"], "127.0.0.1"],
    ["the name that is sent for an address", ["mcp-agent"], "127.0.0.1"],
  ] as const
) {
  Deno.test(`rpc refuses a server whose certificate is for ${given}`, async () => {
    const identity = await throwawayCertificates({ hosts });
    let calls = 0;
    await using running = await start({ identity, handler: () => (calls++, answer()) });
    const client = running.client({
      ca: identity.ca,
      address: `${host}:${running.port}`,
      token: "the-token",
    });
    const failure = await failureOf(client.listServices({}, ample), "unavailable");
    match(
      errorChain(failure),
      new RegExp(`^Cannot reach ${host}:${running.port}: Hostname/IP does not match`),
    );
    strictEqual(calls, 0);
  });
}

Deno.test("rpc gives a call up at its deadline, and the handler learns of it", async () => {
  const gone = Promise.withResolvers<void>();
  await using running = await start({
    handler: ({ signal }) => {
      signal.addEventListener("abort", () => gone.resolve());
      return gone.promise.then(answer);
    },
  });
  const call = running.client().listServices({}, { timeoutMs: 2_000 });
  const failure = await failureOf(call, "unavailable");
  strictEqual(failure.message, `No answer from localhost:${running.port} within 2 s`);
  await gone.promise;
});

Deno.test("rpc calls a call off with its signal, and the handler learns of it", async () => {
  const here = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  await using running = await start({
    handler: ({ signal }) => {
      signal.addEventListener("abort", () => gone.resolve());
      here.resolve();
      return gone.promise.then(answer);
    },
  });
  const abort = new AbortController();
  const call = running.client().listServices({}, { ...ample, signal: abort.signal });
  await here.promise;
  abort.abort();
  const failure = await failureOf(call, "unavailable");
  strictEqual(failure.message, `The call to localhost:${running.port} was called off`);
  await gone.promise;
});

Deno.test("rpc sends nothing when its signal has tripped before", async () => {
  let calls = 0;
  await using running = await start({ handler: () => (calls++, answer()) });
  const call = running.client().listServices({}, { ...ample, signal: AbortSignal.abort() });
  await failureOf(call, "unavailable");
  strictEqual(calls, 0);
});

const kinds: readonly ErrorKind[] = [
  "invalid",
  "not_found",
  "conflict",
  "unauthenticated",
  "forbidden",
  "unavailable",
  "unimplemented",
  "internal",
];
for (const kind of kinds) {
  Deno.test(`rpc carries an error of kind ${kind} with its hint and details`, async () => {
    await using running = await start({
      handler: () =>
        Promise.reject(
          new McpError(kind, 'Cannot start "wärme"', {
            hint: "Run `mcp ps` — then\nlook",
            details: ["components[0]: é", "second\tline"],
            cause: new Error("podman exited with code 125"),
          }),
        ),
    });
    const failure = await failureOf(running.client().listServices({}, ample), kind);
    strictEqual(failure.message, 'Cannot start "wärme": podman exited with code 125');
    strictEqual(failure.hint, "Run `mcp ps` — then\nlook");
    deepStrictEqual(failure.details, ["components[0]: é", "second\tline"]);
  });
}

Deno.test("rpc carries an error with more details than a header has room for", async () => {
  const details = Array.from({ length: 1_000 }, (_, at) => `components[${at}]: ${"x".repeat(100)}`);
  await using running = await start({
    handler: () => Promise.reject(new McpError("invalid", "Cannot use the spec", { details })),
  });
  const failure = await failureOf(running.client().listServices({}, ample), "invalid");
  strictEqual(failure.message, "Cannot use the spec");
  ok(failure.details.length > 10, `${failure.details.length} details`);
  deepStrictEqual(failure.details.slice(0, 10), details.slice(0, 10));
  const kept = failure.details.length - 1;
  strictEqual(failure.details.at(-1), `… and ${details.length - kept} more`);
});

Deno.test("rpc carries an error whose sentence a header has no room for", async () => {
  const cause = new Error(`podman said ${"ü".repeat(20_000)}`);
  await using running = await start({
    handler: () => Promise.reject(new McpError("conflict", "Cannot start", { cause })),
  });
  const failure = await failureOf(running.client().listServices({}, ample), "conflict");
  match(failure.message, /^Cannot start: podman said ü+…$/);
});

for (
  const [given, handler] of [
    ["rejects", () => Promise.reject(new TypeError("secret internals"))],
    ["throws", () => {
      throw new TypeError("secret internals");
    }],
  ] satisfies (readonly [string, Handler])[]
) {
  Deno.test(`rpc tells a defect as internal, without its text, when a handler ${given}`, async () => {
    await using running = await start({ handler });
    const failure = await failureOf(running.client().listServices({}, ample), "internal");
    doesNotMatch(Deno.inspect(failure), /secret internals/);
  });
}

Deno.test("rpc carries 4 MiB of content", async () => {
  const lengths: number[] = [];
  await using running = await start({
    handler: ({ request }) => {
      lengths.push((request as PushFileRequest).content.byteLength);
      return Promise.resolve(create(PushFileResponseSchema, { success: true }));
    },
  });
  const content = new Uint8Array(4 * 1024 * 1024).fill(7);
  const request = { service: "mcr", path: "p".repeat(4_096), content, mode: 0o600 };
  strictEqual((await running.client().pushFile(request, ample)).success, true);
  deepStrictEqual(lengths, [content.byteLength]);
});

Deno.test("rpc refuses 5 MiB of content, and names both sizes", async () => {
  let calls = 0;
  await using running = await start({ handler: () => (calls++, answer()) });
  const content = new Uint8Array(5 * 1024 * 1024);
  const call = running.client().pushFile({ service: "mcr", path: "p", content }, ample);
  const failure = await failureOf(call, "invalid");
  match(
    failure.message,
    /^Cannot send 5242\d{3} bytes to localhost:\d+: .* 4259840 bytes at most$/,
  );
  strictEqual(calls, 0);
});

Deno.test("rpc lets a running call finish when the server closes, and takes no new one", async () => {
  const here = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  await using running = await start({
    handler: () => {
      here.resolve();
      return goOn.promise.then(answer);
    },
  });
  const client = running.client();
  const call = client.listServices({}, ample);
  await here.promise;
  const closed = running.server.close(60_000);
  const failure = await failureOf(running.client().listServices({}, ample), "unavailable");
  strictEqual(failure.message, "The server is stopping");
  goOn.resolve();
  strictEqual((await call).services[0]?.name, "mcr");
  await closed;
  await failureOf(client.listServices({}, ample), "unavailable");
});

Deno.test("rpc cuts a call that outlives the grace of a closing server", async () => {
  const here = Promise.withResolvers<void>();
  const cut = Promise.withResolvers<void>();
  await using running = await start({
    handler: ({ signal }) => {
      signal.addEventListener("abort", () => cut.resolve());
      here.resolve();
      return cut.promise.then(answer);
    },
  });
  const call = failureOf(running.client().listServices({}, ample), "unavailable");
  await here.promise;
  await running.server.close(10);
  await call;
  await cut.promise;
});

// --- Streams ---

/** One message of a stream, with as many bytes of cause. */
function event(id: number, bytes = 0): WatchEventsResponse {
  return create(WatchEventsResponseSchema, {
    event: { id: BigInt(id), cause: "x".repeat(bytes) },
  });
}

function idOf({ event }: WatchEventsResponse): number {
  return Number(event?.id);
}

/** Resolves when a call is called off. */
function untilGone({ signal }: Call): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (signal.aborted) resolve();
  return promise;
}

async function all(stream: AsyncIterable<WatchEventsResponse>): Promise<number[]> {
  const ids: number[] = [];
  for await (const message of stream) ids.push(idOf(message));
  return ids;
}

Deno.test("rpc carries a stream whole and in order, and then it is over", async () => {
  await using running = await start({
    async handler(call) {
      for (let id = 1; id <= 1_000; id++) await call.send(event(id));
    },
  });
  const ids = await all(running.client().watchEvents({ service: "mcr" }, ample));
  deepStrictEqual(ids, Array.from({ length: 1_000 }, (_, at) => at + 1));
});

Deno.test("rpc carries a stream without a message", async () => {
  await using running = await start({ handler: () => Promise.resolve() });
  deepStrictEqual(await all(running.client().watchEvents({}, ample)), []);
});

Deno.test("rpc carries each message of a stream as it comes", async () => {
  const read: PromiseWithResolvers<void>[] = [1, 2, 3].map(() => Promise.withResolvers());
  await using running = await start({
    async handler(call) {
      for (const [at, { promise }] of read.entries()) {
        await call.send(event(at));
        await promise;
      }
    },
  });
  const ids: number[] = [];
  for await (const message of running.client().watchEvents({}, ample)) {
    ids.push(idOf(message));
    read[idOf(message)]?.resolve();
  }
  deepStrictEqual(ids, [0, 1, 2]);
});

Deno.test("rpc carries an error after the messages that were read, with its kind and hint", async () => {
  // grpc-js drops what a client has not read yet when a stream fails: whoever follows begins again behind the last that came.
  const isRead = Promise.withResolvers<void>();
  await using running = await start({
    async handler(call) {
      await call.send(event(1));
      await isRead.promise;
      throw new McpError("unavailable", "The agent is stopping", { hint: "Try again" });
    },
  });
  const ids: number[] = [];
  const reading = (async () => {
    for await (const message of running.client().watchEvents({}, ample)) {
      ids.push(idOf(message));
      isRead.resolve();
    }
  })();
  const failure = await failureOf(reading, "unavailable");
  deepStrictEqual(ids, [1]);
  deepStrictEqual([failure.message, failure.hint], ["The agent is stopping", "Try again"]);
});

Deno.test("rpc tells a defect in a stream as internal, without its text", async () => {
  await using running = await start({
    async handler(call) {
      await call.send(event(1));
      throw new TypeError("secret internals");
    },
  });
  const failure = await failureOf(all(running.client().watchEvents({}, ample)), "internal");
  doesNotMatch(Deno.inspect(failure), /secret internals/);
});

Deno.test("rpc makes the sender of a stream wait for a reader that is slow", async () => {
  const wanted = 200;
  const bytes = 100_000;
  let sent = 0;
  await using running = await start({
    async handler(call) {
      for (; sent < wanted; sent++) await call.send(event(sent, bytes));
    },
  });
  const stream = running.client().watchEvents({}, ample)[Symbol.asyncIterator]();
  await stream.next();
  await eventually("all is sent that is sent ahead", async () => {
    const before = sent;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return before === sent || undefined;
  });
  // All of it is 20 MB; windows and buffers hold a few.
  ok(sent < wanted / 2, `${sent} of ${wanted} messages were sent to nobody`);
  let read = 1;
  while (!(await stream.next()).done) read++;
  deepStrictEqual([read, sent], [wanted, wanted]);
});

for (
  const [given, leave] of [
    ["leaves its loop", async (stream: AsyncIterable<WatchEventsResponse>) => {
      for await (const _message of stream) return;
    }],
    ["calls it off", async (stream: AsyncIterable<WatchEventsResponse>, abort: AbortController) => {
      const failure = await failureOf(
        (async () => {
          for await (const _message of stream) abort.abort();
        })(),
        "unavailable",
      );
      match(failure.message, /was called off$/);
    }],
  ] as const
) {
  Deno.test(`rpc frees a stream whose reader ${given}, waiting or in the middle of sending`, async () => {
    for (const sends of [false, true]) {
      const freed = Promise.withResolvers<unknown>();
      await using running = await start({
        async handler(call) {
          await call.send(event(1));
          if (!sends) await untilGone(call);
          try {
            for (;;) await call.send(event(2, 1_000_000));
          } catch (error) {
            freed.resolve(error);
            throw error;
          }
        },
      });
      const abort = new AbortController();
      const options = { ...ample, signal: abort.signal };
      await leave(running.client().watchEvents({}, options), abort);
      const failure = await freed.promise;
      ok(failure instanceof McpError, String(failure));
      strictEqual(failure.message, "The client went away");
    }
  });
}

Deno.test("rpc gives a stream up at its deadline, and the handler learns of it", async () => {
  const gone = Promise.withResolvers<void>();
  await using running = await start({
    async handler(call) {
      await call.send(event(1));
      await untilGone(call);
      gone.resolve();
    },
  });
  const reading = all(running.client().watchEvents({}, { timeoutMs: 2_000 }));
  const failure = await failureOf(reading, "unavailable");
  match(failure.message, /^No answer from localhost:\d+ within 2 s$/);
  await gone.promise;
});

Deno.test("rpc keeps a stream without a deadline open", async () => {
  await using running = await start({
    async handler(call) {
      await call.send(event(1));
      await new Promise((resolve) => setTimeout(resolve, 50));
      await call.send(event(2));
    },
  });
  const ids = await all(running.client().watchEvents({}, { timeoutMs: Infinity }));
  deepStrictEqual(ids, [1, 2]);
});

Deno.test("rpc cuts a stream that outlives the grace of a closing server", async () => {
  const cut = Promise.withResolvers<void>();
  const here = Promise.withResolvers<void>();
  await using running = await start({
    async handler(call) {
      await call.send(event(1));
      here.resolve();
      await untilGone(call);
      cut.resolve();
    },
  });
  const reading = failureOf(all(running.client().watchEvents({}, ample)), "unavailable");
  await here.promise;
  await running.server.close(10);
  await reading;
  await cut.promise;
});

Deno.test("rpc fails fast where nothing listens, and names the address", async () => {
  const { port, server } = await start();
  await server.close(0);
  const client = connect({
    service: McpAgent,
    address: `127.0.0.1:${port}`,
    ca: certificates.ca,
    token: undefined,
  });
  const failure = await failureOf(client.listServices({}, ample), "unavailable");
  strictEqual(failure.message, `Cannot reach 127.0.0.1:${port}: connection refused`);
  client.close();
});

Deno.test("serve() refuses an address that is taken, and names it", async () => {
  await using running = await start();
  const address = `127.0.0.1:${running.port}`;
  const failure = await failureOf(start({ address }), "unavailable");
  match(failure.message, new RegExp(`^Cannot listen on ${address}`));
});

Deno.test("connect() refuses a token that no header can hold, without telling it", () => {
  for (const token of ["bad\ntoken", "schl\u00fcssel\u{1f511}"]) {
    throws(
      () => connect({ service: McpAgent, address: "rift:1", ca: undefined, token }),
      (error) => {
        ok(error instanceof McpError && error.kind === "unauthenticated");
        return !Deno.inspect(error).includes(token);
      },
    );
  }
});

Deno.test("connect() refuses what is no address", () => {
  throws(
    () => connect({ service: McpAgent, address: "rift", ca: undefined, token: undefined }),
    { kind: "invalid", message: 'Cannot dial "rift": it is not "host:port"' },
  );
});

Deno.test("TlsServerCredentials refuses what is no certificate, no key, or no pair", async () => {
  const other = await throwawayCertificates();
  const { certificate, key } = certificates;
  new TlsServerCredentials({ certificate, key });
  for (
    const identity of [
      { certificate: "", key },
      { certificate: "rift", key: "rift" },
      { certificate, key: "" },
      { certificate, key: certificate },
      { certificate, key: other.key },
    ]
  ) {
    throws(() => new TlsServerCredentials(identity), { name: "McpError", kind: "invalid" });
  }
});
