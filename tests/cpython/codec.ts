/**
 * Values between Python and JavaScript, as JSON. A value without a JSON form of its own is an
 * object with one key that begins with `$`:
 *
 *   $n  an integer beyond 2**53: a bigint     $b  bytes (base64): Uint8Array
 *   $d  a dict: Map                           $s  a set: Set
 *   $f  nan, inf, -inf                        $t  a tuple: { $t: [...] }
 *   $p  a pickle: { $p: Uint8Array }          $h  a shared object, by its handle
 *   $o  a plain object (to JavaScript only)
 *
 * Tuples and pickles are plain objects to JavaScript: it only carries them.
 */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

type Open = (handle: string) => unknown;

const closed: Open = (handle) => {
  throw new Error(`no shared object is expected here: ${handle}`);
};

export function decode(value: Json | undefined, open: Open = closed): unknown {
  if (value === undefined || value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((each) => decode(each, open));
  const [[key, content] = ['', null]] = Object.entries(value);
  const pairs = (): [unknown, unknown][] =>
    (content as [Json, Json][]).map(([k, v]) => [decode(k, open), decode(v, open)]);
  const list = (): unknown[] => (content as Json[]).map((each) => decode(each, open));
  switch (key) {
    case '$n':
      return BigInt(content as string);
    case '$b':
      return bytesOf(content as string);
    case '$d':
      return new Map(pairs());
    case '$s':
      return new Set(list());
    case '$f':
      return Number({ inf: 'Infinity', '-inf': '-Infinity' }[content as string] ?? 'NaN');
    case '$t':
      return { $t: list() };
    case '$p':
      return { $p: bytesOf(content as string) };
    case '$h':
      return open(content as string);
    case '$o':
      return Object.fromEntries(
        Object.entries(content as Record<string, Json>).map(([k, v]) => [k, decode(v, open)]),
      );
    default:
      throw new Error(`no such value: ${key}`);
  }
}

export function encode(value: unknown): Json {
  switch (typeof value) {
    case 'undefined':
      return null;
    case 'bigint':
      return { $n: String(value) };
    case 'number':
      if (Number.isFinite(value)) return value;
      return { $f: Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf' };
    case 'object':
      return encodeObject(value);
    default:
      return value as Json;
  }
}

function encodeObject(value: object | null): Json {
  if (value === null) return null;
  if (Array.isArray(value)) return value.map(encode);
  if (value instanceof Uint8Array) return { $b: textOf(value) };
  if (value instanceof Map) return { $d: [...value].map(([k, v]) => [encode(k), encode(v)]) };
  if (value instanceof Set) return { $s: [...value].map(encode) };
  const { handle, $t, $p } = value as { handle?: string; $t?: unknown[]; $p?: Uint8Array };
  if (typeof handle === 'string') return { $h: handle, class: value.constructor.name.replace(/^_/, '') };
  if ($t !== undefined) return { $t: $t.map(encode) };
  if ($p !== undefined) return { $p: textOf($p) };
  throw new Error(`Python can't be told of ${value.constructor?.name}`);
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}
