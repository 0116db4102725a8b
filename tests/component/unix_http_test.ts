import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { errorChain, McpError } from "../../lib/errors.ts";
import { UnixHttp, type UnixHttpQuestion } from "../../lib/system/unix_http.ts";
import { type Answer, reply, UnixService } from "../support/unix_service.ts";

const question: UnixHttpQuestion = { path: "/x?y=z", timeoutMs: 300_000, maxAnswerBytes: 1_000 };

/** A head that announces a body, chunk by chunk. */
const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

Deno.test("UnixHttp.ask() gives the whole answer, whatever its status", async () => {
  await using service = await UnixService.start((path, { say }) =>
    say(path === "/gone" ? reply("nothing", 404) : reply("здравствуй"))
  );
  const http = new UnixHttp(service.socket);
  const { status, headers, text } = await http.ask(question);
  deepStrictEqual([status, headers["content-type"], text], [200, "application/json", "здравствуй"]);
  const gone = await http.ask({ ...question, path: "/gone" });
  deepStrictEqual([gone.status, gone.text], [404, "nothing"]);
  deepStrictEqual(service.asked, ["/x?y=z", "/gone"]);
});

/** What a service does instead of answering, and what is told then. */
const broken: readonly (readonly [
  given: string,
  answer: Answer,
  reason: RegExp,
  isTimeout: boolean,
])[] = [
  ["never answers", (_, { hangs }) => hangs(), /: no answer within 0\.2 s$/, true],
  [
    "never ends its answer",
    async (_, { say, hangs }) => {
      await say(`${chunked}${chunk("begun")}`);
      await hangs();
    },
    /: no answer within 0\.2 s$/,
    true,
  ],
  [
    "never ends its head",
    async (_, { say, hangs }) => {
      await say("HTTP/1.1 200 OK\r\nContent-Type: ");
      await hangs();
    },
    /: no answer within 0\.2 s$/,
    true,
  ],
  [
    "says more than it may",
    (_, { say }) => say(`${chunked}${chunk("x".repeat(2_000))}`),
    /: its answer is over 1000 bytes$/,
    false,
  ],
  ["speaks no HTTP", (_, { say }) => say("hello\nworld\n\n"), /Parse Error/, false],
  ["hangs up", () => Promise.resolve(), /: socket hang up$/, false],
  [
    "hangs up within its answer",
    (_, { say }) => say(`${chunked}${chunk("begun")}`),
    /: aborted$/,
    false,
  ],
  [
    "hangs up before the end that it has announced",
    (_, { say }) => say("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nbegun"),
    /: aborted$/,
    false,
  ],
  [
    "goes on by another protocol",
    async (_, { say, hangs }) => {
      await say("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
      await hangs();
    },
    /: it hung up without an answer$/,
    false,
  ],
];
for (const [given, answer, reason, isTimeout] of broken) {
  Deno.test(`UnixHttp.ask() fails as unavailable of a service that ${given}`, async () => {
    await using service = await UnixService.start(answer);
    const failure = await failureOf(
      new UnixHttp(service.socket).ask(isTimeout ? { ...question, timeoutMs: 200 } : question),
    );
    match(errorChain(failure), reason);
    ok(failure.message.startsWith(`Cannot ask ${service.socket} for /x`), failure.message);
    ok(!failure.message.includes("y=z"));
    strictEqual(failure.isTimeout, isTimeout);
  });
}

Deno.test("UnixHttp.ask() fails as unavailable where nobody listens", async () => {
  await using service = await UnixService.start((_, { say }) => say(reply("x")));
  const http = new UnixHttp(service.socket);
  await service.kill();
  match(errorChain(await failureOf(http.ask(question))), /ECONNREFUSED|ENOENT/);
  const nowhere = new UnixHttp(`${service.socket}.not`);
  match(errorChain(await failureOf(nowhere.ask(question))), /ENOENT/);
});

Deno.test("UnixHttp.ask() is called off before it asks, and while it waits", async () => {
  await using service = await UnixService.start((_, { hangs }) => hangs());
  const http = new UnixHttp(service.socket);
  const before = await failureOf(
    http.ask({ ...question, signal: AbortSignal.abort(new Error("enough")) }),
  );
  match(errorChain(before), /: it was called off: enough$/);
  deepStrictEqual(service.asked, []);
  const controller = new AbortController();
  const asking = failureOf(http.ask({ ...question, signal: controller.signal }));
  while (service.asked.length === 0) await turn();
  controller.abort(new Error("enough"));
  match(errorChain(await asking), /: it was called off: enough$/);
  while (service.open.now > 0) await turn();
});

Deno.test("UnixHttp.ask() asks again where it was hung up on, and not for ever", async () => {
  const cut = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nbegun";
  const answers = [reply("first"), "", cut, reply("second")];
  await using service = await UnixService.start((_, { say }) => say(answers.shift() ?? ""));
  const http = new UnixHttp(service.socket);
  strictEqual((await http.ask(question)).text, "first");
  strictEqual((await http.ask(question)).text, "second");
  strictEqual(service.asked.length, 4);
  await failureOf(http.ask(question));
  strictEqual(service.asked.length, 4 + 5);
});

Deno.test("UnixHttp.ask() is answered by a service that was killed and is back", async () => {
  await using service = await UnixService.start((_, { say }) => say(reply("here")));
  const http = new UnixHttp(service.socket);
  strictEqual((await http.ask(question)).text, "here");
  await service.kill();
  await failureOf(http.ask(question));
  const asking = http.ask(question);
  await turn();
  await service.startAgain();
  strictEqual((await asking).text, "here");
});

Deno.test("UnixHttp.ask() asks eight questions at once and no more", async () => {
  const gate = Promise.withResolvers<void>();
  await using service = await UnixService.start(async (path, { say }) => {
    await gate.promise;
    await say(reply(path));
  });
  const http = new UnixHttp(service.socket);
  const paths = Array.from({ length: 30 }, (_, at) => `/${at}`);
  const asking = Promise.all(paths.map((path) => http.ask({ ...question, path })));
  while (service.open.now < 8) await turn();
  gate.resolve();
  deepStrictEqual((await asking).map(({ text }) => text), paths);
  strictEqual(service.open.most, 8);
});

Deno.test("UnixHttp.ask() leaves no place taken by questions that were given up", async () => {
  await using service = await UnixService.start((_, { hangs }) => hangs());
  const http = new UnixHttp(service.socket);
  const overdue = Array.from(
    { length: 20 },
    () => failureOf(http.ask({ ...question, timeoutMs: 100 })),
  );
  for (const failure of await Promise.all(overdue)) strictEqual(failure.isTimeout, true);
  service.answer = (_, { say }) => say(reply("here"));
  const answers = await Promise.all(Array.from({ length: 20 }, () => http.ask(question)));
  ok(answers.every(({ text }) => text === "here"));
});

Deno.test("UnixHttp.follow() hands over lines as they come, until the service ends", async () => {
  const lines: string[] = [];
  const more = Promise.withResolvers<void>();
  await using service = await UnixService.start(async (_, { say }) => {
    // A line, and a character, may come in parts.
    await say(`${chunked}${chunk('{"a":1}\n{"b":')}`);
    await more.promise;
    await say(chunk("2}\n"));
  });
  const following = new UnixHttp(service.socket).follow(question, (line) => lines.push(line));
  while (lines.length === 0) await turn();
  deepStrictEqual(lines, ['{"a":1}']);
  more.resolve();
  // It hangs up without the chunk that would end it.
  strictEqual((await following).status, 200);
  deepStrictEqual(lines, ['{"a":1}', '{"b":2}']);
});

Deno.test("UnixHttp.follow() has a deadline for its beginning, and none after it", async () => {
  await using silent = await UnixService.start((_, { hangs }) => hangs());
  const short = { ...question, timeoutMs: 100 };
  const failure = await failureOf(new UnixHttp(silent.socket).follow(short, () => {}));
  strictEqual(failure.isTimeout, true);
  // A refusal is no beginning.
  silent.answer = async (_, { say, hangs }) => {
    await say("HTTP/1.1 500 Error\r\nContent-Length: 20\r\n\r\nbegun");
    await hangs();
  };
  strictEqual(
    (await failureOf(new UnixHttp(silent.socket).follow(short, () => {}))).isTimeout,
    true,
  );

  const later = Promise.withResolvers<void>();
  await using service = await UnixService.start(async (_, { say }) => {
    await say(chunked);
    await later.promise;
    await say(chunk("late\n"));
  });
  const lines: string[] = [];
  const deadlineMs = 1_000;
  const following = new UnixHttp(service.socket)
    .follow({ ...question, timeoutMs: deadlineMs }, (line) => lines.push(line));
  await new Promise((resolve) => setTimeout(resolve, 1.2 * deadlineMs));
  later.resolve();
  await following;
  deepStrictEqual(lines, ["late"]);
});

Deno.test("UnixHttp.follow() gives a refusal as it is, and hands over nothing of it", async () => {
  await using service = await UnixService.start((_, { say }) => say(reply("line\n", 500)));
  const http = new UnixHttp(service.socket);
  const { status, text } = await http.follow(question, () => ok(false));
  deepStrictEqual([status, text], [500, "line\n"]);
});

Deno.test("UnixHttp.follow() is ended by its caller, by a signal or by an error", async () => {
  await using service = await UnixService.start(async (_, { say, hangs }) => {
    await say(`${chunked}${chunk("one\n")}`);
    await hangs();
  });
  const http = new UnixHttp(service.socket);
  const controller = new AbortController();
  await http.follow({ ...question, signal: controller.signal }, () => controller.abort());
  await rejects(
    http.follow(question, () => {
      throw new Error("enough");
    }),
    /^Error: enough$/,
  );
  while (service.open.now > 0) await turn();
});

Deno.test("UnixHttp.follow() keeps no line that has no end", async () => {
  await using service = await UnixService.start(async (_, { say }) => {
    await say(chunked);
    for (let at = 0; at < 3; at++) await say(chunk("x".repeat(1024 * 1024)));
    await say(chunk("\nnext\n"));
  });
  const lines: string[] = [];
  await new UnixHttp(service.socket).follow(question, (line) => lines.push(line));
  deepStrictEqual(lines, ["next"]);
});

async function failureOf(call: Promise<unknown>): Promise<McpError> {
  let failure: unknown;
  await rejects(call, (error) => (failure = error, true));
  ok(failure instanceof McpError && failure.kind === "unavailable", errorChain(failure));
  return failure;
}

/** Lets others have their turn. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1));
}
