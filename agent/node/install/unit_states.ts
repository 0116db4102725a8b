/**
 * What systemd says of units.
 *
 * @module
 */

/** One unit as systemd sees it. */
export interface UnitState {
  readonly isActive: boolean;
  readonly isFailed: boolean;
  readonly isEnabled: boolean;
  /** Whether its file has changed since systemd has read it. */
  readonly needsReload: boolean;
  readonly mainPid: number;
  readonly restarts: number;
  /** When its main process was started; undefined when it never was. */
  readonly startedAt: Date | undefined;
}

const properties = [
  "Id",
  "ActiveState",
  "UnitFileState",
  "NeedDaemonReload",
  "MainPID",
  "NRestarts",
  "ExecMainStartTimestamp",
];

/** Arguments for `systemctl`, after the program. */
export function showArgs(units: readonly string[]): string[] {
  return ["show", "--timestamp=us+utc", `--property=${properties.join(",")}`, "--", ...units];
}

/** What `systemctl show` prints, by unit: lines of `key=value`, a blank line between units. */
export function parseProperties(text: string): Map<string, ReadonlyMap<string, string>> {
  const units = new Map<string, ReadonlyMap<string, string>>();
  for (const block of text.split(/\n{2,}/)) {
    const values = new Map(
      block.split("\n").map((line) => {
        const at = line.indexOf("=");
        return [line.slice(0, at), line.slice(at + 1)] as const;
      }),
    );
    const id = values.get("Id") ?? "";
    if (id !== "") units.set(id, values);
  }
  return units;
}

/** The states of the units in what `systemctl show` prints. */
export function parseUnitStates(text: string): Map<string, UnitState> {
  const states = new Map<string, UnitState>();
  for (const [id, values] of parseProperties(text)) {
    states.set(id, {
      isActive: values.get("ActiveState") === "active",
      isFailed: values.get("ActiveState") === "failed",
      isEnabled: values.get("UnitFileState") === "enabled",
      needsReload: values.get("NeedDaemonReload") === "yes",
      mainPid: Number(values.get("MainPID") ?? 0),
      restarts: Number(values.get("NRestarts") ?? 0),
      startedAt: parseTime(values.get("ExecMainStartTimestamp") ?? ""),
    });
  }
  return states;
}

/** E.g. "Fri 2030-01-04 12:15:16.123456 UTC". */
function parseTime(text: string): Date | undefined {
  const found = /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3})\d* UTC$/.exec(text);
  return found === null ? undefined : new Date(`${found[1]}T${found[2]}Z`);
}
