/**
 * Files as a tar archive (ustar), the same bytes for the same content: no owner, no time.
 *
 * @module
 */

/** A file of an archive. */
export interface ArchivedFile {
  /** Relative; folders need no entry of their own. */
  readonly path: string;
  readonly mode: number;
  readonly content: Uint8Array;
}

const blockBytes = 512;

/** One file, as it stands in an archive. */
export function tarEntry({ path, mode, content }: ArchivedFile): Uint8Array<ArrayBuffer> {
  const entry = new Uint8Array(blockBytes + roundedUp(content.byteLength));
  const encoder = new TextEncoder();
  const write = (text: string, at: number, width: number) => {
    const bytes = encoder.encode(text);
    if (bytes.byteLength > width) throw new Error(`${path} does not fit into a tar header`);
    entry.set(bytes, at);
  };
  const octal = (value: number, at: number, width: number) =>
    write(`${value.toString(8).padStart(width - 1, "0")}\0`, at, width);

  write(path, 0, 100);
  octal(mode, 100, 8);
  octal(0, 108, 8); // owner
  octal(0, 116, 8); // group
  octal(content.byteLength, 124, 12);
  octal(0, 136, 12); // time
  write(" ".repeat(8), 148, 8); // the checksum, while it is computed
  write("0", 156, 1); // a regular file
  write("ustar\0", 257, 6);
  write("00", 263, 2);
  const checksum = entry.subarray(0, blockBytes).reduce((sum, byte) => sum + byte, 0);
  write(`${checksum.toString(8).padStart(6, "0")}\0 `, 148, 8);
  entry.set(content, blockBytes);
  return entry;
}

/** A file of text that everybody may read. */
export function textFile(path: string, text: string): ArchivedFile {
  return { path, mode: 0o644, content: new TextEncoder().encode(text) };
}

/** What an archive ends with. */
export function tarEnd(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(2 * blockBytes);
}

function roundedUp(bytes: number): number {
  return Math.ceil(bytes / blockBytes) * blockBytes;
}
