/**
 * The onion around every RPC.
 *
 * @module
 */

import type { DescMethod, Message } from "@bufbuild/protobuf";

/** One call as the layers and the handler see it. */
export interface Call {
  readonly method: DescMethod;
  readonly request: Message;
  /** Address of the client, "ip:port". */
  readonly peer: string;
  /** Trips when the client goes away or its deadline passes. */
  readonly signal: AbortSignal;
  /** The first value of a metadata key the client sent. */
  header(name: string): string | undefined;
}

/** Answers a call, or throws. */
export type Handler<Context extends Call = Call> = (call: Context) => Promise<Message>;

/**
 * One layer of the onion: gets what lies inside it and returns itself around it.
 *
 * `outer(inner(handler))` runs outer's first half, inner's first half, the
 * handler, inner's second half, outer's second half. A layer may answer without
 * calling inwards (a refusal), and may hand inwards a call that knows more than
 * the one it got (who the caller is).
 */
export type Interceptor<Outer extends Call = Call, Inner extends Outer = Outer> = (
  next: Handler<Inner>,
) => Handler<Outer>;
