/**
 * A GET to a component, with a deadline over all of it.
 *
 * @module
 */

import { request as plain } from "node:http";
import { request as secure } from "node:https";
import { unreached } from "./connecting.ts";
import type { Answer, Target } from "./answer.ts";

/** Bytes of an answer that are read: enough to say what is wrong. */
const readBytes = 2_000;

/**
 * Asks, and takes any answer from 200 to 399 for a good one; none is followed.
 *
 * With "https" whatever certificate is shown will do: it is asked whether the component answers, on
 * the node's own address, under a name that its certificate cannot have. Nothing is believed that it
 * says, and no secret is sent.
 */
export async function askHttp(
  question: Target & {
    readonly scheme: "http" | "https";
    readonly path: string;
    readonly timeoutMs: number;
    readonly signal: AbortSignal | undefined;
  },
): Promise<Answer> {
  const { scheme, host, port, path, timeoutMs, signal } = question;
  signal?.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const ask = scheme === "https" ? secure : plain;
  let request: ReturnType<typeof plain> | undefined;
  const deadline = setTimeout(
    () =>
      resolve({ isGood: false, isAnswered: false, text: `no answer within ${timeoutMs / 1000} s` }),
    timeoutMs,
  );
  const onAbort = () => resolve({ isGood: false, isAnswered: false, text: "called off" });
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    request = ask({
      host,
      port,
      path,
      method: "GET",
      headers: { "user-agent": "mcp-agent", accept: "*/*" },
      // A connection of its own: one that is kept would prove that it was well once.
      agent: false,
      ...(scheme === "https" ? { rejectUnauthorized: false } : {}),
    }, (response) => {
      const status = response.statusCode ?? 0;
      const isGood = status >= 200 && status < 400;
      let body = "";
      const end = () => resolve({ isGood, isAnswered: true, text: textOf(status, isGood, body) });
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
        if (isGood || body.length > readBytes) end();
      });
      response.on("end", end);
      response.on("error", end);
    });
    request.on("error", (error) => resolve(unreached(error, host)));
    request.end();
    const answer = await promise;
    signal?.throwIfAborted();
    return answer;
  } catch (error) {
    if (signal?.aborted) throw error;
    return unreached(error, host);
  } finally {
    clearTimeout(deadline);
    signal?.removeEventListener("abort", onAbort);
    request?.on("error", () => {});
    request?.destroy();
  }
}

function textOf(status: number, isGood: boolean, body: string): string {
  const said = body.split("\n").find((line) => line.trim() !== "")?.trim().slice(0, 200) ?? "";
  return isGood || said === "" ? `HTTP ${status}` : `HTTP ${status}: ${said}`;
}
