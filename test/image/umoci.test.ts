/** OCI layouts between onggi and umoci: what one writes the other unpacks, changes and hands back. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tarOf } from '../../src/image/testing.ts';
import { run } from '../harness/program.ts';
import { imageTest } from '../harness/system-test.ts';
import { imageOf } from '../harness/test-image.ts';
import { writeLayout } from './oci-layout-files.ts';
import { describeStored } from './stored-image.ts';
import { describeTree } from './unpack-tree.ts';

const root = { name: './', type: '5', mtime: 1 };
const etc = { name: 'etc', type: '5', mode: 0o750, uid: 3, gid: 4, mtime: 2 };

imageTest('a layout for umoci, and back with a layer more', ['umoci'], async (world) => {
  const image = imageOf([
    tarOf(root, etc, { name: 'etc/a', content: 'a', mode: 0o4755 }, { name: 'etc/b', content: 'b' }),
    tarOf(root, etc, { name: 'etc/.wh.b' }, { name: 'etc/link', type: '2', link: 'a' }),
  ]);
  const at = (name: string) => join(world.scratch, name);
  const umoci = async (...args: string[]) => {
    const { status, stdout, stderr } = await run('umoci', args);
    assert.equal(status, 0, `umoci ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  writeLayout(at('given'), image, 'v1');
  const copy = async (...args: string[]) => await world.ok(['image', 'copy', '-q', ...args]);
  assert.equal(await copy(`oci:${at('given')}:v1`, 'onggi:app:1'), image.manifest.digest);
  assert.equal(await copy('onggi:app:1', `oci:${at('ours')}:v1`), image.manifest.digest);
  await umoci('unpack', '--image', `${at('ours')}:v1`, at('bundle'));
  const rootfs = join(at('bundle'), 'rootfs');
  const lines = describeTree(rootfs).map((line) => line.split(' ').slice(0, 3).join(' '));
  assert.deepEqual(lines, ['"." 40755 0:0', '"etc" 40750 3:4', '"etc/a" 104755 0:0', '"etc/link" 120777 0:0']);
  mkdirSync(join(rootfs, 'new'));
  writeFileSync(join(rootfs, 'new/file'), 'new');
  await umoci('repack', '--image', `${at('ours')}:v2`, at('bundle'));
  await umoci('config', '--image', `${at('ours')}:v2`, '--config.label', 'by=umoci');
  const digest = await copy(`oci:${at('ours')}:v2`, 'onggi:app:2');
  assert.equal(
    await world.ok(['image', 'inspect', '-f', '{{len .RootFS.Layers}} {{.Config.Labels}}', 'app:2']),
    '3 map[by:umoci]',
  );
  // It leaves by the digest that umoci gave it, and is the same image there.
  assert.equal(await copy('onggi:app:2', `oci:${at('back')}:v2`), digest);
  assert.match(await umoci('ls', '--layout', at('back')), /^v2$/m);
  const second = { root: at('second') };
  await world.ok(['--root', second.root, 'image', 'copy', '-q', `oci:${at('back')}:v2`, 'onggi:app:2']);
  assert.deepEqual(describeStored(second.root, 'app:2'), describeStored(world.root, 'app:2'));
});
