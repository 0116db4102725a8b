/**
 * A stand-in for MCIAS: a real HTTPS server that keeps the contract written in
 * `lib/mcias/client.ts`, and that can be made to break it.
 *
 * It knows nothing of MCP. Users, tokens and moods are set by the test.
 *
 * @module
 */

import { type ThrowawayCertificates, throwawayCertificates } from "./certificates.ts";

/** Someone who can log in. */
export interface MciasUser {
  readonly password: string;
  /** The one code that is right; a login needs none when undefined. */
  readonly totpCode?: string;
  readonly roles: readonly string[];
}

/**
 * How requests are met.
 *
 * - `well`: by the contract.
 * - `held`: not before {@link MciasServer.release}; a slow server and a hanging one.
 * - `stalled`: with the head of an answer, whose body never comes.
 * - `failing`: with status 500.
 * - `garbled`: with status 200 and a page that is no JSON.
 * - a function: with what it returns.
 */
export type MciasMood =
  | "well"
  | "held"
  | "stalled"
  | "failing"
  | "garbled"
  | (() => Response);

/** What the server is made of; all of it may be left out. */
export interface MciasServerOptions {
  readonly users?: Readonly<Record<string, MciasUser>>;
  /** How long tokens live; an hour when left out. */
  readonly tokenLifeMs?: number;
  /** The clock that tokens expire by. */
  readonly now?: () => Date;
  readonly certificates?: ThrowawayCertificates;
}

interface KnownToken {
  readonly subject: string;
  readonly roles: readonly string[];
  readonly expiresAt: Date;
}

/** A running stand-in; `await using` ends it. */
export class MciasServer implements AsyncDisposable {
  mood: MciasMood = "well";
  /** "POST /v1/auth/login" and so on, one entry per request, in order. */
  readonly calls: string[] = [];
  readonly certificates: ThrowawayCertificates;
  readonly users: Map<string, MciasUser>;
  readonly #tokens = new Map<string, KnownToken>();
  readonly #tokenLifeMs: number;
  readonly #now: () => Date;
  readonly #held = new Set<() => void>();
  readonly #waiting = new Set<() => void>();
  #http: Deno.HttpServer<Deno.NetAddr> | undefined;
  #port = 0;

  private constructor(options: MciasServerOptions, certificates: ThrowawayCertificates) {
    this.certificates = certificates;
    this.users = new Map(Object.entries(options.users ?? {}));
    this.#tokenLifeMs = options.tokenLifeMs ?? 3_600_000;
    this.#now = options.now ?? (() => new Date());
  }

  /** Starts one on a free port of the loopback. */
  static async start(options: MciasServerOptions = {}): Promise<MciasServer> {
    const certificates = options.certificates ?? await throwawayCertificates();
    const server = new MciasServer(options, certificates);
    server.comeUp();
    return server;
  }

  /** E.g. "https://localhost:40123"; the same after {@link comeUp}. */
  get url(): string {
    return `https://localhost:${this.#port}`;
  }

  /** PEM of the authority that a client has to trust. */
  get ca(): string {
    return this.certificates.ca;
  }

  /** How many requests there were with this path, e.g. "/v1/token/validate". */
  callsTo(path: string): number {
    return this.calls.filter((call) => call.endsWith(` ${path}`)).length;
  }

  /** Makes a token without a login. */
  issue(subject: string, roles: readonly string[], expiresAt?: Date): string {
    const token = `test-token-${crypto.randomUUID()}`;
    const end = expiresAt ?? new Date(this.#now().getTime() + this.#tokenLifeMs);
    this.#tokens.set(token, { subject, roles, expiresAt: end });
    return token;
  }

  /** Makes a token invalid, as an administrator of MCIAS would. */
  revoke(token: string): void {
    this.#tokens.delete(token);
  }

  /** Stops listening: connections are refused until {@link comeUp}. */
  async goDown(): Promise<void> {
    const http = this.#http;
    this.#http = undefined;
    this.release();
    await http?.shutdown();
  }

  /** Listens again, on the same port as before. */
  comeUp(): void {
    this.#http = Deno.serve(
      {
        hostname: "127.0.0.1",
        port: this.#port,
        cert: this.certificates.certificate,
        key: this.certificates.key,
        onListen: ({ port }) => {
          this.#port = port;
        },
      },
      (request) => this.#meet(request),
    );
  }

  /** Lets every request go on that is held now. */
  release(): void {
    for (const letGo of this.#held) letGo();
    this.#held.clear();
  }

  /** Resolves when at least this many requests are held. */
  async holding(count: number): Promise<void> {
    while (this.#held.size < count) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.goDown();
  }

  async #meet(request: Request): Promise<Response> {
    this.calls.push(`${request.method} ${new URL(request.url).pathname}`);
    const { mood } = this;
    if (typeof mood === "function") return mood();
    switch (mood) {
      case "failing":
        return refusal(500, "the database is gone");
      case "garbled":
        return new Response("<html><body>Welcome to nginx!</body></html>");
      case "stalled": {
        let letGo = () => {};
        return new Response(
          new ReadableStream({
            start: (body) => {
              body.enqueue(new TextEncoder().encode('{"valid": '));
              letGo = () => body.close();
              this.#held.add(letGo);
            },
            // A client that has given up has closed the stream itself.
            cancel: () => void this.#held.delete(letGo),
          }),
        );
      }
      case "held":
        await new Promise<void>((resolve) => {
          this.#held.add(resolve);
          for (const tell of this.#waiting) tell();
          this.#waiting.clear();
        });
        return await this.#answer(request);
      case "well":
        return await this.#answer(request);
    }
  }

  async #answer(request: Request): Promise<Response> {
    const body = await request.text();
    switch (`${request.method} ${new URL(request.url).pathname}`) {
      case "GET /v1/health":
        return Response.json({ status: "ok" });
      case "POST /v1/auth/login":
        return this.#login(body);
      case "POST /v1/token/validate": {
        const token = this.#bearer(request);
        if (token === undefined) return Response.json({ valid: false });
        return Response.json({ valid: true, ...described(token.known) });
      }
      case "POST /v1/auth/renew": {
        const token = this.#bearer(request);
        if (token === undefined) return refusal(401, "invalid token");
        this.revoke(token.text);
        return this.#issued(token.known.subject, token.known.roles);
      }
      case "POST /v1/auth/logout": {
        const token = this.#bearer(request);
        if (token === undefined) return refusal(401, "invalid token");
        this.revoke(token.text);
        return new Response(null, { status: 204 });
      }
      default:
        return refusal(404, "no such endpoint");
    }
  }

  #login(text: string): Response {
    let body: Record<string, unknown>;
    try {
      body = JSON.parse(text);
    } catch {
      return refusal(400, "the body is not JSON");
    }
    const username = String(body["username"]);
    const user = this.users.get(username);
    if (
      user === undefined || body["password"] !== user.password ||
      body["totp_code"] !== user.totpCode
    ) {
      return refusal(401, "invalid credentials");
    }
    return this.#issued(username, user.roles);
  }

  #issued(subject: string, roles: readonly string[]): Response {
    const token = this.issue(subject, roles);
    const expiresAt = this.#tokens.get(token)?.expiresAt.toISOString();
    return Response.json({ token, expires_at: expiresAt });
  }

  /** The token of a request, when it is known and has not expired. */
  #bearer(request: Request): { readonly text: string; readonly known: KnownToken } | undefined {
    const text = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "")?.[1] ?? "";
    const known = this.#tokens.get(text);
    return known === undefined || known.expiresAt <= this.#now() ? undefined : { text, known };
  }
}

function described({ subject, roles, expiresAt }: KnownToken) {
  return { subject, roles, expires_at: expiresAt.toISOString() };
}

function refusal(status: number, error: string): Response {
  return Response.json({ error }, { status });
}
