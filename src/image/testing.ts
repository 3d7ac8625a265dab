/** Makes tar archives for tests, hostile ones too: every field can be given a wrong value. Not loaded by the product. */

export type TestEntry = {
  readonly name: string | Buffer;
  /** Type flag of the header: "0" file, "5" directory, ... */
  readonly type?: string;
  readonly content?: string | Buffer;
  readonly link?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly major?: number;
  readonly minor?: number;
  /** As written to the size field, when it shall not be that of the content. */
  readonly size?: number;
  readonly magic?: string;
  readonly prefix?: string;
  /** Written as base 256 instead of octal. */
  readonly binaryNumbers?: boolean;
  readonly pax?: Readonly<Record<string, string | Buffer>>;
};

export const endMark = Buffer.alloc(1024);

export function tarOf(...entries: TestEntry[]): Buffer {
  return Buffer.concat([...entries.map(tarEntry), endMark]);
}

export function tarEntry(entry: TestEntry): Buffer {
  const content = Buffer.from(entry.content ?? '');
  const pax = entry.pax === undefined ? [] : [tarEntry({ name: 'pax', type: 'x', content: paxBody(entry.pax) })];
  return Buffer.concat([...pax, tarHeader(entry, content.length), padded(content)]);
}

export function tarHeader(entry: TestEntry, size: number): Buffer {
  const block = Buffer.alloc(512);
  const numbers: readonly (readonly [number, number, number])[] = [
    [100, 8, entry.mode ?? (entry.type === '5' ? 0o755 : 0o644)],
    [108, 8, entry.uid ?? 0],
    [116, 8, entry.gid ?? 0],
    [124, 12, entry.size ?? size],
    [136, 12, entry.mtime ?? 1_600_000_000],
    [329, 8, entry.major ?? 0],
    [337, 8, entry.minor ?? 0],
  ];
  Buffer.from(entry.name).copy(block, 0, 0, 100);
  for (const [offset, length, value] of numbers) {
    if (entry.binaryNumbers || value < 0) base256(block, offset, length, value);
    else block.write(value.toString(8).padStart(length - 1, '0'), offset, 'latin1');
  }
  block.write(entry.type ?? '0', 156, 'latin1');
  block.write(entry.link ?? '', 157, 100, 'utf8');
  block.write(entry.magic ?? 'ustar\u000000', 257, 'latin1');
  block.write(entry.prefix ?? '', 345, 'utf8');
  return withChecksum(block);
}

export function withChecksum(block: Buffer): Buffer {
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148, 'latin1');
  return block;
}

export function paxBody(records: Readonly<Record<string, string | Buffer>>): Buffer {
  return Buffer.concat(
    Object.entries(records).map(([key, value]) => {
      const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
      let length = rest.length + 1;
      while (String(length).length + rest.length !== length) length += 1;
      return Buffer.concat([Buffer.from(String(length)), rest]);
    }),
  );
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

function base256(block: Buffer, offset: number, length: number, value: number): void {
  let rest = BigInt.asUintN(8 * length, BigInt(value));
  for (let index = offset + length - 1; index >= offset; index -= 1) {
    block[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  block[offset] = value < 0 ? 0xff : 0x80;
}
