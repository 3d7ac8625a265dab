/** What the process that makes the files of a layer has left (THREATS, class F). */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseEntryPath } from '../../src/image/entry-path.ts';
import { readAnswer, recordWriter } from '../../src/image/unpack-record.ts';
import { openDirectory } from '../../src/kernel/directory.ts';
import { startUnpacker } from '../../src/kernel/unpacker.ts';
import { eventually } from '../harness/program.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';

/** <linux/capability.h> */
const capabilities = { chown: 0, dacOverride: 1, fowner: 3, fsetid: 4, sysAdmin: 21, mknod: 27, setfcap: 31 };

function status(pid: string): ReadonlyMap<string, string> {
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n');
  return new Map(lines.map((line) => [line.split(':')[0] ?? '', line.slice(line.indexOf(':') + 1).trim()]));
}

function childNamed(name: string): string | undefined {
  return readdirSync('/proc').find((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const facts = status(pid);
      return facts.get('Name') === name && facts.get('PPid') === String(process.pid) && facts.get('Seccomp') === '2';
    } catch {
      // Gone meanwhile.
      return false;
    }
  });
}

for (const trusted of [true, false]) {
  test(
    `its root is the layer, its rights are to give files away (${trusted ? 'root' : 'user'})`,
    requires('root'),
    async () => {
      await using scratch = makeScratch();
      const layer = join(scratch.path, 'layer');
      mkdirSync(layer);
      using directory = openDirectory(layer);
      using unpacker = startUnpacker(directory);
      const pieces: Buffer[] = [];
      const records = recordWriter((bytes) => pieces.push(Buffer.from(bytes)));
      const send = async () => assert.ok(await unpacker.send(Buffer.concat(pieces.splice(0))));
      records.start(10, trusted);
      await send();
      await eventually('it is behind its walls', () => childNamed('onggi-unpack') !== undefined);
      const pid = childNamed('onggi-unpack') ?? '';
      const facts = status(pid);
      const { sysAdmin, ...files } = capabilities;
      const held = [...Object.values(files), ...(trusted ? [sysAdmin] : [])];
      const sum = held.reduce((bits, bit) => bits | (1n << BigInt(bit)), 0n);
      const words = ['CapPrm', 'CapEff'].map((name) => BigInt(`0x${facts.get(name)}`));
      assert.deepEqual([...words, facts.get('NoNewPrivs'), facts.get('Threads')], [sum, sum, '1', '1']);
      assert.deepEqual([readlinkSync(`/proc/${pid}/root`), readlinkSync(`/proc/${pid}/cwd`)], [layer, layer]);
      assert.deepEqual(readdirSync(`/proc/${pid}/fd`).sort(), ['0', '1', '2']);
      records.entry(
        {
          type: 'directory',
          name: Buffer.from('d'),
          linkName: Buffer.alloc(0),
          mode: 0o700,
          uid: 0,
          gid: 0,
          size: 0,
          modified: { seconds: 1, nanoseconds: 0 },
          major: 0,
          minor: 0,
          attributes: new Map(),
        },
        parseEntryPath(Buffer.from('d')),
        Buffer.alloc(0),
        [],
      );
      records.finish();
      await send();
      assert.deepEqual(readAnswer(await unpacker.answer()), { done: true, entries: 1, implicit: [''] });
      assert.deepEqual(readdirSync(layer), ['d']);
    },
  );
}
