/**
 * One call, and the onion around it.
 *
 * A layer is a function that gets the handler inside it and returns itself around it:
 * `outer(inner(handler))` runs outer's first half, inner's first half, the handler, inner's second
 * half, outer's second half. A layer may answer without calling inwards (a refusal), and may hand
 * inwards a call that knows more than the one it got (who the caller is).
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
  /** Sends one message of a stream; resolves when there is room for the next. */
  send(message: Message): Promise<void>;
}

/**
 * Answers a call, or throws.
 *
 * A unary method's handler returns its answer. A streaming method's handler sends
 * and returns nothing when the stream is over. Either way the call ends when the
 * promise settles, so that a layer around it needs not know which it was.
 */
export type Handler<Context extends Call = Call> = (call: Context) => Promise<Message | void>;
