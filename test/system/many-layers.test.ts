/** An image of more layers than docker makes (127), and than one page of mount(2) holds by any but short names. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tarOf } from '../../src/image/testing.ts';
import { busyboxTar } from '../harness/busybox-image.ts';
import { run } from '../harness/program.ts';
import { systemTest } from '../harness/system-test.ts';
import { imageOf } from '../harness/test-image.ts';
import { writeLayout } from '../image/oci-layout-files.ts';

systemTest('an image of 130 layers runs, each of them in its place', ['busybox'], async (world) => {
  const layers = Array.from({ length: 129 }, (_, index) =>
    tarOf({ name: `from-${index}`, content: '' }, { name: 'top', content: `${index}` }),
  );
  const image = imageOf([readFileSync(await busyboxTar()), ...layers]);
  const directory = join(world.scratch, 'layout');
  writeLayout(directory, image, 'many:latest');
  const archive = join(world.scratch, 'many.tar');
  assert.equal((await run('tar', ['-C', directory, '-cf', archive, '.'])).status, 0);
  await world.ok(['load', '-q', '-i', archive]);
  const script = 'ls -d /from-* | wc -l; cat /top; echo new > /from-0; cat /from-0';
  const said = await world.ok(['run', '--rm', '--network', 'none', 'many', 'sh', '-c', script]);
  assert.equal(said, '129\n128new');
});
