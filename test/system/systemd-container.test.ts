/** A container whose first process is Debian's systemd, with the cgroups that this machine has. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../harness/busybox-image.ts';
import { systemTest } from '../harness/system-test.ts';
import { createBox, lookAtSystemd } from './systemd-look.ts';

const files = {
  'machine-id': '',
  passwd: 'root:x:0:0:root:/root:/bin/sh\nmessagebus:x:100:100::/nonexistent:/bin/false\n',
  group: 'root:x:0:\nmessagebus:x:100:\n',
};

systemTest(
  'systemd boots to running, starts services, and ends when it is told',
  ['busybox', 'systemd-tree', 'systemd-hierarchy'],
  async (world) => {
    const directory = join(world.scratch, 'etc');
    mkdirSync(directory);
    const places = ['sh', 'cat', 'grep', 'tr', 'sleep'].flatMap((name) => ['-v', `/bin/busybox:/bin/${name}:ro`]);
    await createBox(world, [...places, '--rootfs', `${join(repository, '.cache/vm/system')}:O`]);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    await world.ok(['cp', `${directory}/.`, 'box:/etc']);
    await lookAtSystemd(world);
  },
);
