/**
 * A real OpenID Connect provider: `oidc-provider` behind HTTPS, on a port of the loopback.
 *
 * It keeps the standards by itself. A test says who there is, turns its keys over, takes it down,
 * and plays the person in the browser.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { Socket } from "node:net";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { Provider } from "oidc-provider";
import { OidcStore } from "./oidc_store.ts";
import { type ThrowawayCertificates, throwawayCertificates } from "./certificates.ts";

/** Who there is; the claims go into every token of theirs. */
export interface OidcServerOptions {
  /** Programs that log in by a secret of their own, by name. */
  readonly machines?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** People who log in by a browser, by name. */
  readonly people?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** How long tokens live; ten minutes when left out. */
  readonly tokenLifeSeconds?: number;
}

/** The client that people log in with; it has no secret. */
export const clientId = "mcp";
/** What access tokens are for, unless another is asked for. */
export const audience = "https://mcp.example/";
const machineSecret = "secret-of-the-machine";

/** A running provider; `await using` ends it. */
export class OidcServer implements AsyncDisposable {
  /**
   * - `well`: as the standards say.
   * - `hanging`: takes requests and never answers.
   * - `failing`: answers with status 500.
   */
  mood: "well" | "hanging" | "failing" = "well";
  /** "GET /jwks" and so on, one entry per request, in order. */
  readonly calls: string[] = [];
  readonly #certificates: ThrowawayCertificates;
  readonly #options: OidcServerOptions;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #provider: Provider | undefined;
  #port = 0;

  private constructor(options: OidcServerOptions, certificates: ThrowawayCertificates) {
    this.#options = options;
    this.#certificates = certificates;
  }

  /** Starts one on a free port. */
  static async start(options: OidcServerOptions = {}): Promise<OidcServer> {
    const server = new OidcServer(options, await throwawayCertificates());
    await server.comeUp();
    await server.rotateKeys();
    return server;
  }

  get issuer(): string {
    return `https://localhost:${this.#port}`;
  }

  /** PEM of the authority that a client has to trust. */
  get ca(): string {
    return this.#certificates.ca;
  }

  callsTo(path: string): number {
    return this.calls.filter((call) => call.endsWith(` ${path}`)).length;
  }

  /** Signs with a new key from here on, and publishes no other. */
  async rotateKeys(): Promise<void> {
    const { privateKey } = await generateKeyPair("RS256", { extractable: true });
    const kid = crypto.randomUUID();
    this.#provider = this.#makeProvider({ ...await exportJWK(privateKey), kid, use: "sig" });
  }

  /** An access token of a machine, got as one would: by its secret, over HTTPS. */
  async accessToken(machine: string, resource: string = audience): Promise<string> {
    using http = Deno.createHttpClient({ caCerts: [this.ca] });
    const response = await fetch(`${this.issuer}/token`, {
      client: http,
      method: "POST",
      headers: { authorization: `Basic ${btoa(`${machine}:${machineSecret}`)}` },
      body: new URLSearchParams({ grant_type: "client_credentials", resource }),
    });
    const answer: { readonly access_token: string } = await response.json();
    return answer.access_token;
  }

  /** Does what a person does in the browser who confirms the code that a terminal shows. */
  async confirm(userCode: string, person: string): Promise<void> {
    const provider = this.#requireProvider();
    const code = await provider.DeviceCode.findByUserCode(userCode.replaceAll("-", ""));
    if (code === undefined) throw new Error("There is no such code");
    const grant = new provider.Grant({ accountId: person, clientId });
    grant.addOIDCScope("openid offline_access");
    grant.addResourceScope(audience, "openid offline_access");
    Object.assign(code, {
      accountId: person,
      grantId: await grant.save(),
      authTime: Math.floor(Date.now() / 1000),
      claims: {},
      scope: "openid offline_access",
      sessionUid: crypto.randomUUID(),
      expiresWithSession: false,
    });
    await code.save(600);
  }

  /** Does what a person does who did not ask for that. */
  async refuse(userCode: string): Promise<void> {
    const code = await this.#requireProvider().DeviceCode.findByUserCode(
      userCode.replaceAll("-", ""),
    );
    if (code === undefined) throw new Error("There is no such code");
    Object.assign(code, { error: "access_denied", errorDescription: "refused by the person" });
    await code.save(600);
  }

  /** Stops listening: connections are refused until {@link comeUp}. */
  async goDown(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
    await new Promise<void>((resolve) =>
      server === undefined ? resolve() : server.close(() => resolve())
    );
  }

  /** Listens again, on the same port as before. */
  async comeUp(): Promise<void> {
    const { certificate: cert, key } = this.#certificates;
    const server = createServer(
      { cert, key },
      (request, response) => this.#meet(request, response),
    );
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("It has no port");
    this.#port = address.port;
    this.#server = server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.goDown();
  }

  #requireProvider(): Provider {
    if (this.#provider === undefined) throw new Error("It has no keys yet");
    return this.#provider;
  }

  #meet(request: IncomingMessage, response: ServerResponse): void {
    this.calls.push(`${request.method} ${request.url?.split("?")[0]}`);
    switch (this.mood) {
      case "hanging":
        return;
      case "failing":
        response.writeHead(500).end("out of order");
        return;
      case "well":
        this.#requireProvider().callback()(request, response);
    }
  }

  #makeProvider(key: JWK): Provider {
    const { machines = {}, people = {}, tokenLifeSeconds = 600 } = this.#options;
    return new Provider(this.issuer, {
      adapter: OidcStore,
      jwks: { keys: [key] },
      clients: [
        {
          client_id: clientId,
          token_endpoint_auth_method: "none",
          redirect_uris: [],
          response_types: [],
          grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
        },
        ...Object.keys(machines).map((machine) => ({
          client_id: machine,
          client_secret: machineSecret,
          redirect_uris: [],
          response_types: [],
          grant_types: ["client_credentials"],
        })),
      ],
      features: {
        clientCredentials: { enabled: true },
        devInteractions: { enabled: false },
        deviceFlow: { enabled: true },
        revocation: { enabled: true, allowedPolicy: () => true },
        resourceIndicators: {
          enabled: true,
          useGrantedResource: () => true,
          getResourceServerInfo: (_context: unknown, resource: string) => ({
            scope: "openid offline_access",
            audience: resource,
            accessTokenFormat: "jwt",
            accessTokenTTL: tokenLifeSeconds,
          }),
        },
      },
      claims: { openid: ["sub", "roles", "realm_access"] },
      // By default only the endpoint for userinfo would tell the roles.
      conformIdTokenClaims: false,
      findAccount: (_context: unknown, name: string) => {
        const claims = people[name];
        return claims && { accountId: name, claims: () => ({ sub: name, ...claims }) };
      },
      extraTokenClaims: (_context: unknown, token: Readonly<Record<string, unknown>>) =>
        machines[String(token["clientId"])] ?? people[String(token["accountId"])],
      ttl: {
        AccessToken: tokenLifeSeconds,
        ClientCredentials: tokenLifeSeconds,
        DeviceCode: 600,
        Grant: 86_400,
        IdToken: tokenLifeSeconds,
        RefreshToken: 86_400,
      },
    });
  }
}
