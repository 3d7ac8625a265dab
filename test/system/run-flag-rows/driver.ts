/** Flags of `run` that choose who does something: where the output goes, which vendor's devices it gets. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Row } from './row.ts';

const line = ['run', '--rm', '--network', 'none'];

export const driverRows: readonly Row[] = [
  {
    flag: 'log-driver',
    tried: async (world) => {
      await world.ok([
        'run',
        '--name',
        'logger',
        '--network',
        'none',
        '--log-driver',
        'k8s-file',
        world.image,
        'echo',
        'x',
      ]);
      assert.match(await world.ok(['logs', '-t', 'logger']), /^\d{4}-\S+Z x$/);
      assert.equal(await world.ok(['inspect', '-f', '{{.HostConfig.LogConfig.Type}}', 'logger']), 'k8s-file');
    },
    bad: [['--log-driver', 'nosuch'], /no log driver named 'nosuch' is registered/],
  },
  {
    flag: 'gpus',
    tried: async (world) => {
      const file = '/var/run/cdi/onggi-row.json';
      const devices = [{ name: 'row', containerEdits: { env: ['GPU=row'] } }];
      mkdirSync('/var/run/cdi', { recursive: true });
      writeFileSync(file, JSON.stringify({ cdiVersion: '1.0.0', kind: 'nvidia.com/gpu', devices }));
      try {
        const command = [world.image, 'sh', '-c', 'echo $GPU'];
        assert.equal(await world.ok([...line, '--gpus', 'device=row', ...command]), 'row');
        assert.equal(await world.ok([...line, '--gpus', 'all', ...command]), 'row');
      } finally {
        rmSync(file);
      }
    },
    bad: [['--gpus', 'x'], /invalid count \(x\)/],
  },
];
