/**
 * Signals by name.
 *
 * @module
 */

/** By number they are the same on every Linux that containers run on. */
const names: Readonly<Record<string, string>> = {
  "1": "SIGHUP",
  "2": "SIGINT",
  "3": "SIGQUIT",
  "9": "SIGKILL",
  "10": "SIGUSR1",
  "12": "SIGUSR2",
  "15": "SIGTERM",
};

/** A signal by its name, whichever way it is written. */
export function signalName(text: string): string {
  return Object.hasOwn(names, text) ? names[text] ?? text : text.toUpperCase();
}
