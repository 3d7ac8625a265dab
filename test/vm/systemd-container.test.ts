/** A container whose first process is a systemd, on a machine of cgroup v2 (boot.ts). */
import { systemTest } from '../harness/system-test.ts';
import { createBox, lookAtSystemd } from '../system/systemd-look.ts';

// The image is the machine itself: its systemd is Debian's. Its own unit would run the tests again.
const image = ['-v', '/dev/null:/etc/systemd/system/onggi-test.service', 'host'];

systemTest(
  'v2: systemd boots to running, starts services, and ends when it is told',
  ['cgroup-v2'],
  async (world) => {
    await createBox(world, image);
    await lookAtSystemd(world);
  },
  { timeout: 240_000 },
);
