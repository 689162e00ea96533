/** A struct that tests share. */

import { type RecordArray, type SharedRecord, type StructClass, struct } from 'lockstep';

const INNER = { flag: 'bool', big: 'i64' } as const;
export const Inner: StructClass<typeof INNER> = struct(INNER);

const SAMPLE = {
  x: 'f64',
  small: 'u8',
  tags: 'u16[4]',
  name: 'char[16]',
  inner: { schema: INNER },
  list: [{ schema: INNER }, 3],
} as const;
export const Sample: StructClass<typeof SAMPLE> = struct(SAMPLE);

/** The child's calls of records that it was given: it has no use of `Sample`. */
export function changesRecords(
  record: SharedRecord<typeof SAMPLE>,
  array: RecordArray<typeof SAMPLE>,
): { seen: unknown; same: boolean } {
  const seen = record.toObject();
  record.runSync(() => {
    record.x += 1;
    record.tags.set(-1, 65_535);
    record.inner.big = 2n ** 62n;
    record.list.at(2).flag = true;
  });
  array.at(-1).name = 'from the child';
  return { seen, same: record instanceof Sample };
}
