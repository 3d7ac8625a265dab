/** Devices by the Container Device Interface, of a made-up specification, as a container sees them. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemTest } from '../harness/system-test.ts';
import { linesOf } from './container-view.ts';

const directory = '/var/run/cdi';

systemTest('a device with its node, mount, hook, group and variable', ['busybox'], async (world) => {
  const file = join(directory, 'onggi-test.yaml');
  const told = join(world.scratch, 'told');
  const hook = join(world.scratch, 'hook');
  writeFileSync(hook, `#!/bin/sh\ncat > ${told}; echo "$@" >> ${told}\n`, { mode: 0o755 });
  writeFileSync(join(world.scratch, 'library'), 'of the vendor');
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    file,
    `cdiVersion: "1.0.0"
kind: onggi.test/card
containerEdits:
  env: [ "CARDS=yes" ]
devices:
  - name: one
    containerEdits:
      env: [ "CARD=one" ]
      additionalGids: [ 4711 ]
      deviceNodes:
        - path: /dev/card
          hostPath: /dev/null
          fileMode: 384
      mounts:
        - hostPath: ${join(world.scratch, 'library')}
          containerPath: /usr/lib/card
          options: [ ro, nosuid ]
      hooks:
        - hookName: createContainer
          path: ${hook}
          args: [ hook, called ]
`,
  );
  try {
    const flags = ['--rm', '--network', 'none', '--device', 'onggi.test/card=one'];
    const script =
      'echo $CARDS $CARD; stat -c "%t:%T %a" /dev/card; cat /usr/lib/card; echo; id -G; echo x > /dev/card; echo $?; echo x > /usr/lib/card || echo read-only';
    const seen = linesOf(await world.ok(['run', ...flags, world.image, 'sh', '-c', script]));
    assert.deepEqual(seen, ['yes one', '1:3 600', 'of the vendor', '0 4711', '0', 'read-only']);
    const { readFileSync } = await import('node:fs');
    assert.match(readFileSync(told, 'utf8'), /"status":"creating".*called\n$/s);
    const gone = await world.onggi(['run', '--rm', '--device', 'onggi.test/card=two', world.image, 'true']);
    assert.equal(gone.status, 125);
    assert.match(gone.stderr, /unresolvable CDI devices onggi\.test\/card=two/);
    const gpu = await world.onggi(['run', '--rm', '--gpus', '"device=none-such"', world.image, 'true']);
    assert.equal(gpu.status, 125);
    assert.match(gpu.stderr, /unresolvable CDI devices nvidia\.com\/gpu=none-such/);
    assert.equal(await world.ok(['ps', '-aq']), '');
  } finally {
    rmSync(file);
  }
});
