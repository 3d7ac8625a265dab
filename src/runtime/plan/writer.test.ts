import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeWriter, type Writer } from './writer.ts';

const fields: Readonly<Record<string, (writer: Writer) => void>> = {
  u16: (writer) => writer.u16(0xfedc),
  u32: (writer) => writer.u32(0xfedc_ba98),
  i32: (writer) => writer.i32(-2),
  u64: (writer) => writer.u64(0xfedc_ba98_7654_3210n),
  i64: (writer) => writer.i64(-2n),
  bool: (writer) => writer.bool(true),
  string: (writer) => writer.string('text'),
  blob: (writer) => writer.blob(new Uint8Array([1, 2, 3])),
};

/** Bytes that the buffer has at first; it grows by doubling. */
const first = 16 << 10;

for (const [name, write] of Object.entries(fields)) {
  test(`a field at the end of the buffer makes it grow: ${name}`, () => {
    const alone = makeWriter();
    write(alone);
    for (const size of [first, 2 * first]) {
      for (let left = 0; left <= 16; left += 1) {
        const writer = makeWriter();
        writer.blob(new Uint8Array(size - 4 - left));
        write(writer);
        assert.deepEqual(writer.bytes().slice(size - left), alone.bytes(), `${left} bytes are left of ${size}`);
      }
    }
  });
}
