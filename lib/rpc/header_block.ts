/**
 * Headers as HTTP/2 writes them (HPACK, RFC 7541), as far as a client of gRPC needs it.
 *
 * There is no table that grows: the client tells the other side to keep none, and refuses what would
 * need one. So a block means the same wherever it stands, and one that nobody waits for need not be read.
 *
 * Pure.
 *
 * @module
 */

/** Headers by their names, in small letters; values of the same name are joined by commas. */
export type Headers = ReadonlyMap<string, string>;

/** The names and values that everybody knows, from 1 on (RFC 7541, appendix A). */
const known: readonly (readonly [name: string, value: string])[] = [
  ...[[":authority", ""], [":method", "GET"], [":method", "POST"], [":path", "/"]] as const,
  ...[[":path", "/index.html"], [":scheme", "http"], [":scheme", "https"]] as const,
  ...["200", "204", "206", "304", "400", "404", "500"].map((value) => [":status", value] as const),
  ...[["accept-charset", ""], ["accept-encoding", "gzip, deflate"]] as const,
  ...[
    ...[
      "accept-language",
      "accept-ranges",
      "accept",
      "access-control-allow-origin",
      "age",
      "allow",
    ],
    ...["authorization", "cache-control", "content-disposition", "content-encoding"],
    ...["content-language", "content-length", "content-location", "content-range", "content-type"],
    ...["cookie", "date", "etag", "expect", "expires", "from", "host", "if-match"],
    ...["if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "last-modified"],
    ...["link", "location", "max-forwards", "proxy-authenticate", "proxy-authorization", "range"],
    ...["referer", "refresh", "retry-after", "server", "set-cookie", "strict-transport-security"],
    ...["transfer-encoding", "user-agent", "vary", "via", "www-authenticate"],
  ].map((name) => [name, ""] as const),
];

/** A block that cannot be read. */
export class HeaderError extends Error {
  override readonly name = "HeaderError";
}

/**
 * Writes headers. Nothing is to be remembered of them, by nobody on the way: one of them is a token.
 *
 * @param headers Names in small letters; names and values in ASCII.
 */
export function writeHeaders(headers: Iterable<readonly [string, string]>): Uint8Array {
  const bytes: number[] = [];
  for (const [name, value] of headers) {
    bytes.push(0x10);
    for (const text of [name, value]) {
      writeInteger(bytes, 0, 7, text.length);
      for (let at = 0; at < text.length; at++) bytes.push(text.charCodeAt(at));
    }
  }
  return Uint8Array.from(bytes);
}

function writeInteger(bytes: number[], flags: number, bits: number, value: number): void {
  const most = 2 ** bits - 1;
  if (value < most) {
    bytes.push(flags | value);
    return;
  }
  bytes.push(flags | most);
  let left = value - most;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push(0x80 | left % 128);
  bytes.push(left);
}

/** @throws {HeaderError} */
export function readHeaders(block: Uint8Array): Headers {
  const input: Input = { block, at: 0 };
  const headers = new Map<string, string>();
  while (input.at < block.byteLength) {
    const first = block[input.at] ?? 0;
    if (first >= 0x80) {
      const [name, value] = knownAt(readInteger(input, 7));
      add(headers, name, value);
    } else if (first >= 0x20 && first < 0x40) {
      // How large its table is from now on.
      if (readInteger(input, 5) !== 0) throw new HeaderError("it wants a table, which has no room");
    } else {
      // What is to be remembered (0x40) is not: nobody can refer to it.
      const index = readInteger(input, first >= 0x40 ? 6 : 4);
      const name = index === 0 ? readText(input) : knownAt(index)[0];
      add(headers, name, readText(input));
    }
  }
  return headers;
}

interface Input {
  readonly block: Uint8Array;
  at: number;
}

function add(headers: Map<string, string>, name: string, value: string): void {
  const before = headers.get(name);
  headers.set(name, before === undefined ? value : `${before},${value}`);
}

function knownAt(index: number): readonly [name: string, value: string] {
  const found = known[index - 1];
  if (found === undefined) throw new HeaderError(`it refers to entry ${index} of a table`);
  return found;
}

function readInteger(input: Input, bits: number): number {
  const most = 2 ** bits - 1;
  let value = readByte(input) & most;
  if (value < most) return value;
  for (let shift = 0; shift <= 21; shift += 7) {
    const byte = readByte(input);
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return value;
  }
  throw new HeaderError("it has a number that is too long");
}

function readByte(input: Input): number {
  const byte = input.block[input.at++];
  if (byte === undefined) throw new HeaderError("it ends too soon");
  return byte;
}

function readText(input: Input): string {
  const isPacked = (input.block[input.at] ?? 0) >= 0x80;
  const length = readInteger(input, 7);
  const bytes = input.block.subarray(input.at, input.at + length);
  if (bytes.byteLength < length) throw new HeaderError("it ends too soon");
  input.at += length;
  return isPacked ? unpacked(bytes) : textOf(bytes);
}

function textOf(bytes: ArrayLike<number>): string {
  let text = "";
  for (let at = 0; at < bytes.length; at++) text += String.fromCharCode(bytes[at] ?? 0);
  return text;
}

/**
 * The bytes that have codes of so many bits, in the order of their codes (RFC 7541, appendix B): each
 * code is the one before plus one, and a code of more bits begins behind the last with fewer.
 */
const bytesByCodeLength: readonly (readonly [bits: number, bytes: string | readonly number[]])[] = [
  [5, "012aceiost"],
  [6, " %-./3456789=A_bdfghlmnpru"],
  [7, ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"],
  [8, "&*,;XZ"],
  [10, '!"()?'],
  [11, "'+|"],
  [12, "#>"],
  [13, "\0$@[]~"],
  [14, "^}"],
  [15, "<`{"],
  [19, [92, 195, 208]],
  [20, [128, 130, 131, 162, 184, 194, 224, 226]],
  [21, [153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230]],
  [22, [
    ...[129, 132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186],
    ...[187, 189, 190, 196, 198, 228, 232, 233],
  ]],
  [23, [
    ...[1, 135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166],
    ...[168, 174, 175, 180, 182, 183, 188, 191, 197, 231, 239],
  ]],
  [24, [9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237]],
  [25, [199, 207, 234, 235]],
  [26, [192, 193, 200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255]],
  [27, [
    ...[203, 204, 211, 212, 214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250, 251, 252, 253],
    254,
  ]],
  [28, [
    ...[2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29],
    ...[30, 31, 127, 220, 249],
  ]],
  [30, [10, 13, 22]],
];

/** By the number of bits: the first code, and the bytes from there on. */
const codes: ReadonlyMap<number, { readonly first: number; readonly bytes: readonly number[] }> =
  (() => {
    const made = new Map<number, { readonly first: number; readonly bytes: readonly number[] }>();
    let next = 0;
    let before = 0;
    for (const [bits, listed] of bytesByCodeLength) {
      const bytes = typeof listed === "string"
        ? Array.from(listed, (character) => character.charCodeAt(0))
        : listed;
      const first = next * 2 ** (bits - before);
      made.set(bits, { first, bytes });
      next = first + bytes.length;
      before = bits;
    }
    return made;
  })();

/** Text that was packed by Huffman's code. */
function unpacked(packed: Uint8Array): string {
  const bytes: number[] = [];
  let code = 0;
  let bits = 0;
  for (const byte of packed) {
    for (let mask = 0x80; mask > 0; mask >>= 1) {
      code = code * 2 + ((byte & mask) === 0 ? 0 : 1);
      if (++bits > 30) throw new HeaderError("it is packed in a way that nobody can unpack");
      const known = codes.get(bits);
      const found = known?.bytes[code - known.first];
      if (found === undefined) continue;
      bytes.push(found);
      code = 0;
      bits = 0;
    }
  }
  // The last byte is filled up with ones.
  if (bits > 7 || code !== 2 ** bits - 1) {
    throw new HeaderError("it ends in the middle of a character");
  }
  return textOf(bytes);
}
