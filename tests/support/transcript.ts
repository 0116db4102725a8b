/**
 * The demo's transcript: as the README shows it, and as two of them are compared.
 *
 * @module
 */

const block =
  /(?<before><!-- demo -->\s*```console\n)(?<text>[^]*?)(?<after>```\s*<!-- \/demo -->)/;

/** The transcript that the README shows. */
export function shownIn(readme: string): string {
  return block.exec(readme)?.groups?.["text"] ?? "";
}

/** The README with another transcript; what no reader needs in full is shortened. */
export function showIn(readme: string, transcript: string): string {
  const text = transcript.trim()
    .replaceAll(/--ca-data \S+/g, "--ca-data MIIB…")
    .replaceAll(/mcp_[\w-]{43}/g, "mcp_…")
    .replaceAll("/mnt/out/", "/tmp/demo/");
  return readme.replace(block, (_all, before, _text, after) => `${before}${text}\n${after}`);
}

/**
 * The transcript without what differs from run to run: ports, tokens, certificates, times, ids.
 *
 * Components move side by side: lines of one table may come in any order, so the lines between
 * two commands are sorted.
 */
export function comparable(transcript: string): string[][] {
  const text = transcript
    .replaceAll(/--allow-(read|write)=\S+/g, "--allow-$1=FOLDERS")
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
    .replaceAll(/\/\S*\/(node|operator)\//g, "FOLDER/$1/")
    .replaceAll(/--service-root \S+/g, "--service-root SERVICES")
    .replaceAll(/"\/\S*srv\/hello/g, '"SERVICES/hello')
    .replaceAll(/mcp_([\w-]{43}|…)/g, "TOKEN")
    .replaceAll(/--ca-data \S+/g, "--ca-data CERTIFICATE")
    .replaceAll(/\d{4}-\d\d-\d\d[T ][\d:.]+(Z| \+0000 UTC)/g, "TIME")
    .replaceAll(/(sha256:[0-9a-f]{64}|\b[0-9a-f]{12}\b)/g, "DIGEST")
    .replaceAll(/\b[0-9a-f]{64}\b/g, "ID")
    .replaceAll(/--plan [0-9a-f]{16}/g, "--plan PLAN")
    // Whether a crash loop is seen at its end or a moment later.
    .replaceAll(/it (ended|crashed) with (exit code \d+)( and was restarted)?/g, "it ended with $2")
    .replaceAll(/\b(\d+(ms|[smhd]) ?)+(?=ago|\s|$)/gm, "AGE ")
    .replaceAll(/in \d+ s\./g, "in N s.")
    .replaceAll(/[ ]+/g, " ");
  return text.trim().split(/^(?=[$#] )/m)
    .map((part) => part.split("\n").map((line) => line.trim()).filter((line) => line !== ""))
    // A container that crashes and is restarted says the same as often as there was time for.
    .map((lines) => [...new Set(lines)].sort());
}
