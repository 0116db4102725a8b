/**
 * SIGINT and SIGTERM as one `AbortSignal`, for programs that must clean up before they end.
 *
 * Only entries make one, and pass it down. Its reason is the name of the signal, so that whoever
 * stops a child process can send it the same.
 *
 * @module
 */

/** Listens until it is disposed of. */
interface StopSignals extends Disposable {
  readonly signal: AbortSignal;
}

/** Starts to listen. Until disposal, these signals no longer end the process by themselves. */
export function stopSignals(): StopSignals {
  const controller = new AbortController();
  const onInterrupt = () => controller.abort("SIGINT");
  const onTerminate = () => controller.abort("SIGTERM");
  Deno.addSignalListener("SIGINT", onInterrupt);
  Deno.addSignalListener("SIGTERM", onTerminate);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      Deno.removeSignalListener("SIGINT", onInterrupt);
      Deno.removeSignalListener("SIGTERM", onTerminate);
    },
  };
}

/** The signal a child should get for this abort: the same one, or SIGTERM for any other reason. */
export function signalFor(aborted: AbortSignal): Deno.Signal {
  return aborted.reason === "SIGINT" ? "SIGINT" : "SIGTERM";
}
