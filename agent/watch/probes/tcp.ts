/**
 * A connection to a component's port that is not hung up on.
 *
 * To connect proves nothing: the port's forwarder accepts whether or not anybody listens in the
 * container, and hangs up a moment later. So the connection is read from: whoever says something, or
 * waits to be spoken to, is there.
 *
 * @module
 */

import { connect } from "node:net";
import { unreached } from "./connecting.ts";
import type { Answer, Target } from "./answer.ts";

/** How long nobody may hang up: on a busy node, the forwarder takes its time to find out. */
const quietMs = 1_000;

/** Asks. */
export async function askTcp(
  question: Target & { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
): Promise<Answer> {
  const { host, port, timeoutMs, signal } = question;
  signal?.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const bad = (text: string) => resolve({ isGood: false, isAnswered: false, text });
  const good = (text: string) => resolve({ isGood: true, isAnswered: true, text });
  const stillMs = Math.min(quietMs, timeoutMs / 2);
  const timers = [setTimeout(() => bad(`no answer within ${timeoutMs / 1000} s`), timeoutMs)];
  const onAbort = () => bad("called off");
  signal?.addEventListener("abort", onAbort, { once: true });
  let socket: ReturnType<typeof connect> | undefined;
  try {
    socket = connect({ host, port });
    socket.on("connect", () => timers.push(setTimeout(() => good("connected"), stillMs)));
    socket.on("data", () => good("connected"));
    socket.on("end", () => bad("hung up on"));
    socket.on("close", () => bad("hung up on"));
    socket.on("error", (error) => resolve(unreached(error, host)));
    const answer = await promise;
    signal?.throwIfAborted();
    return answer;
  } catch (error) {
    if (signal?.aborted) throw error;
    return unreached(error, host);
  } finally {
    for (const timer of timers) clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
    socket?.destroy();
  }
}
