/** Many commands started at once, more than there are processors to run them: none fails, and nothing is left. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { runPool } from '../harness/pool.ts';
import { binary, systemTest } from '../harness/system-test.ts';

const count = process.env['ONGGI_TEST_LONG'] === undefined ? 40 : 1000;
/** Memory that a command and its container take for a moment, with room to spare. */
const bytesOfRun = 64 << 20;

systemTest(
  `${count} run --rm started at once, as many at a time as memory allows`,
  ['busybox'],
  async (world) => {
    const free = Number(/^MemAvailable:\s*(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024;
    const width = Math.max(1, Math.floor(free / 2 / bytesOfRun));
    const run = ['--root', world.root, 'run', '--rm', '--network', 'none', world.image, 'echo', 'done'];
    const command = { argv: [binary, ...run] };
    const results = await runPool(
      Array.from({ length: count }, () => command),
      width,
    );
    const failed = results.filter(({ status, stdout }) => status !== 0 || stdout !== 'done\n');
    assert.deepEqual(
      failed.map(({ status, stderr }) => `${status}: ${stderr}`),
      [],
    );
    assert.equal(await world.ok(['ps', '-aq']), '');
  },
  { timeout: 600_000 },
);
