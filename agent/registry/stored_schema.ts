/**
 * Which schema a registry has, read from its bytes.
 *
 * For whoever must not open it: opening makes files beside it that belong to the caller, and an
 * older program would refuse. Pure; the layout of both files is SQLite's published format.
 *
 * @module
 */

const databaseHeaderBytes = 100;
const schemaOffset = 60;
const walHeaderBytes = 32;
const frameHeaderBytes = 24;

/**
 * The `user_version` of a database.
 *
 * @param database The file, or its first 100 bytes.
 * @param wal The write-ahead log beside it, where the latest schema may still be.
 * @returns Undefined when it is no database, or an empty one.
 */
export function storedSchema(database: Uint8Array, wal = new Uint8Array()): number | undefined {
  const inLog = schemaInLog(wal);
  if (inLog !== undefined) return inLog;
  if (database.byteLength < databaseHeaderBytes) return undefined;
  if (!new TextDecoder().decode(database.subarray(0, 16)).startsWith("SQLite format 3")) {
    return undefined;
  }
  return view(database).getUint32(schemaOffset);
}

/** The latest committed first page in the log says it, if there is one. */
function schemaInLog(wal: Uint8Array): number | undefined {
  if (wal.byteLength < walHeaderBytes) return undefined;
  const log = view(wal);
  const pageBytes = log.getUint32(8);
  // Frames of an earlier log may lie behind those of this one; their salts differ.
  const salts = log.getBigUint64(16);
  const frameBytes = frameHeaderBytes + pageBytes;
  let written: number | undefined;
  let committed: number | undefined;
  for (let at = walHeaderBytes; at + frameBytes <= wal.byteLength; at += frameBytes) {
    if (log.getBigUint64(at + 8) !== salts) break;
    if (log.getUint32(at) === 1) written = log.getUint32(at + frameHeaderBytes + schemaOffset);
    const isCommit = log.getUint32(at + 4) !== 0;
    if (isCommit) committed = written;
  }
  return committed;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
