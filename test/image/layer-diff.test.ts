/** Layers made of what overlayfs left behind, unpacked again, and compared with the tree that was mounted. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { rootPath } from '../../src/image/entry-path.ts';
import { listChanges } from '../../src/image/layer-changes.ts';
import { layerArchive, treeArchive } from '../../src/image/layer-diff.ts';
import { mergeWithLower } from '../../src/image/layer-merge.ts';
import type { OverlayAttributes } from '../../src/image/layer-tree.ts';
import { createUnpacker, defaultUnpackOptions } from '../../src/image/unpack.ts';
import { openDirectory } from '../../src/kernel/directory.ts';
import { descriptorFacts } from '../../src/kernel/entry-facts.ts';
import { describeTree } from './unpack-tree.ts';
import { sh, unpackTest } from './unpack-world.ts';

/** What is below: one of everything. */
const below = `
umask 022
mkdir -p lower/dir/deep lower/gone/deep lower/replaced lower/opaque/inner lower/usr/bin
echo kept > lower/dir/kept; echo old > lower/dir/changed; echo x > lower/dir/removed
echo a > lower/gone/a; echo b > lower/gone/deep/b
echo hidden > lower/opaque/hidden; echo hidden > lower/opaque/inner/hidden; echo again > lower/opaque/again
echo file > lower/becomes-directory; mkdir lower/becomes-file; echo in > lower/becomes-file/in
ln -s dir lower/link; mkfifo lower/fifo; mknod lower/device c 1 3; chmod 4755 lower/dir/kept
touch -d '2001-02-03 04:05:06.123456789' lower/dir/kept lower/dir lower/usr lower`;

/** What a container does. */
const work = `
cd "$0"
echo new > dir/changed; rm dir/removed; rm -r gone
rm -r opaque; mkdir opaque; echo new > opaque/again; mkdir opaque/inner; chmod 2750 opaque
rm becomes-directory; mkdir becomes-directory; echo in > becomes-directory/in
rm -r becomes-file; echo file > becomes-file
echo one > hard; ln hard hard-two; mkdir new; ln hard new/three
python3 "$OLDPWD/attributes.py"
chown 3000000:4000000000 becomes-file; ln -s "$(printf 'n%.0s' $(seq 150))" long-link
touch "$(printf 'f%.0s' $(seq 200))"; touch "$(printf '\\377\\376')"
mkdir -p "deep/$(printf 'd%.0s' $(seq 150))/$(printf 'e%.0s' $(seq 150))"
mkfifo new/fifo; mknod new/device b 259 1000000
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("new/socket")'
truncate -s 5M new/sparse; echo end >> new/sparse; : > empty
touch -d '1969-12-31 23:59:58.25' empty; touch -h -d '2010-01-01 00:00:00.5' long-link
touch -d '2033-03-03 03:03:03.000000003' new; chmod 1777 .`;

/** Sets user.note, a capability (cap_net_raw+ep) and an access list (user 1234 reads) on `hard`. */
const attributes = `
import os, struct
os.setxattr("hard", "user.note", b"text")
os.setxattr("hard", "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0))
rights = [(1, 6, -1), (2, 4, 1234), (4, 4, -1), (16, 4, -1), (32, 4, -1)]
access = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *each) for each in rights)
os.setxattr("hard", "system.posix_acl_access", access)
`;

type Place = { readonly scratch: string };

/** Runs \`work\` in an overlay of its own mount namespace, and copies what it sees into \`seen\`. */
function change({ scratch }: Place, script: string, options = ''): void {
  const mount = `mount -t overlay -o "lowerdir=lower,upperdir=upper,workdir=work${options}" overlay merged`;
  writeFileSync(join(scratch, 'work.sh'), script);
  writeFileSync(join(scratch, 'attributes.py'), attributes);
  const steps = `mkdir upper work merged; chmod 755 upper; touch -r lower upper; ${mount}; sh -ec "$(cat work.sh)" merged; cp -a merged seen`;
  writeFileSync(join(scratch, 'steps.sh'), `set -e; ${steps}`);
  sh('unshare --mount --propagation private sh steps.sh', scratch);
}

/** Unpacks an archive as a layer beside `lower`. */
async function unpackLayer(
  scratch: string,
  name: string,
  archive: Buffer,
  attributes: OverlayAttributes = 'trusted',
): Promise<void> {
  mkdirSync(join(scratch, name), { mode: 0o755 });
  using parent = openDirectory(scratch);
  using unpacker = createUnpacker(
    { parent, name },
    { ...defaultUnpackOptions, overlayAttributes: attributes, what: 'layer', lowest: false },
  );
  await unpacker.write(archive);
  const unpacked = await unpacker.finish();
  assert.equal(unpacked.ended, true);
  mergeWithLower(join(scratch, name), [join(scratch, 'lower')], unpacked, attributes);
}

function diffOf(scratch: string, upper: string, attributes: OverlayAttributes = 'trusted'): Buffer {
  using held = openDirectory(join(scratch, upper));
  using lower = openDirectory(join(scratch, 'lower'));
  const pieces = [...copied(layerArchive(held, descriptorFacts(lower), { attributes }))];
  return Buffer.concat(pieces);
}

function python(script: string, cwd: string): void {
  const { status, stderr } = spawnSync('python3', ['-c', script], { encoding: 'utf8', cwd });
  assert.equal(status, 0, stderr);
}

function* copied(pieces: Iterable<Buffer>): Generator<Buffer> {
  for (const piece of pieces) yield Buffer.from(piece);
}

function mergedCopy(scratch: string, upper: string, to: string): void {
  const mount = `mount -t overlay -o lowerdir=${upper}:lower overlay merged`;
  sh(`unshare --mount --propagation private sh -ec '${mount}; cp -a merged ${to}'`, scratch);
}

unpackTest('a layer out of a writable directory gives the same tree again', ['overlay', 'python3'], async (world) => {
  const { scratch } = world;
  sh(below, scratch);
  change(world, work);
  const archive = diffOf(scratch, 'upper');
  await unpackLayer(scratch, 'again', archive);
  mergedCopy(scratch, 'again', 'seen-again');
  const seen = describeTree(join(scratch, 'seen'));
  assert.deepEqual(
    describeTree(join(scratch, 'seen-again')),
    seen.filter((line) => !line.includes('"new/socket"')),
  );
  assert.equal(
    seen.some((line) => line.includes('security.capability')),
    true,
  );
  assert.equal(
    seen.some((line) => line.includes('posix_acl_access')),
    true,
  );
  const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  assert.equal(hash(diffOf(scratch, 'upper')), hash(archive), 'the same tree twice');
  assert.equal(hash(diffOf(scratch, 'again')), hash(archive), 'the tree that was unpacked');
});

unpackTest('GNU tar unpacks the tar of a merged tree to the same tree', ['overlay', 'python3'], async (world) => {
  const { scratch } = world;
  sh(below, scratch);
  change(world, `${work}\nrm new/socket`);
  using upper = openDirectory(join(scratch, 'upper'));
  using lower = openDirectory(join(scratch, 'lower'));
  writeFileSync(
    join(scratch, 'tree.tar'),
    Buffer.concat([...copied(treeArchive([{ layers: [upper, lower], options: { attributes: 'trusted' } }]))]),
  );
  sh(`mkdir out; tar --xattrs --xattrs-include='*' --numeric-owner -xpf tree.tar -C out`, scratch);
  assert.deepEqual(describeTree(join(scratch, 'out')), describeTree(join(scratch, 'seen')));
});

unpackTest('what has changed is told as Docker tells it', ['overlay', 'python3'], async (world) => {
  const { scratch } = world;
  sh(below, scratch);
  change(
    world,
    `cd "$0"; echo new > dir/changed; rm dir/removed; rm -r gone; rm -r opaque; mkdir opaque; echo new > opaque/again
     mkdir -p new/deep; rm becomes-directory; mkdir becomes-directory; echo x > becomes-directory/in
     chmod 700 usr; rm -r becomes-file; echo x > becomes-file; echo x > passing; rm passing`,
  );
  using upper = openDirectory(join(scratch, 'upper'));
  using lower = openDirectory(join(scratch, 'lower'));
  const changes = listChanges(upper, [lower], { attributes: 'trusted' });
  const letters = { added: 'A', changed: 'C', deleted: 'D' };
  assert.deepEqual(
    changes.map(({ kind, path }) => `${letters[kind]} ${path}`),
    [
      'C /becomes-directory',
      'A /becomes-directory/in',
      'C /becomes-file',
      'C /dir',
      'C /dir/changed',
      'D /dir/removed',
      'D /gone',
      'A /new',
      'A /new/deep',
      'C /opaque',
      'C /opaque/again',
      'D /opaque/hidden',
      'D /opaque/inner',
      'C /usr',
    ],
  );
});

unpackTest('the marks of an overlay without privileges are understood', ['overlay', 'python3'], async (world) => {
  const { scratch } = world;
  sh(below, scratch);
  change(world, 'cd "$0"; rm -r gone; rm -r opaque; mkdir opaque; echo x > opaque/own', ',userxattr');
  await unpackLayer(scratch, 'again', diffOf(scratch, 'upper', 'user'), 'user');
  python(`import os; assert os.getxattr("again/opaque", "user.overlay.opaque") == b"y"`, scratch);
  assert.equal(existsSync(join(scratch, 'again/opaque/own')), true);
  sh('test -c again/gone', scratch);
});

unpackTest('nothing changed is an empty archive', ['overlay'], async (world) => {
  const { scratch } = world;
  sh(below, scratch);
  change(world, 'true');
  assert.equal(diffOf(scratch, 'upper').length, 1024);
});

unpackTest('names that would remove files of other layers are refused', [], async ({ scratch }) => {
  sh('mkdir -p lower upper/etc; echo x > upper/etc/.wh.passwd; touch -r lower upper', scratch);
  assert.throws(() => diffOf(scratch, 'upper'), { code: 'unsupported', message: /"etc\/\.wh\.passwd"/ });
});

unpackTest('entries that are not whole are refused', ['python3'], async ({ scratch }) => {
  sh('mkdir -p lower upper/dir', scratch);
  python('import os; os.setxattr("upper/dir", "trusted.overlay.redirect", b"/other")', scratch);
  assert.throws(() => diffOf(scratch, 'upper'), { code: 'unsupported', message: /trusted\.overlay\.redirect/ });
});

unpackTest('a hundred and thirty layers are one tree', [], async ({ scratch }) => {
  sh(
    'for i in $(seq 130); do mkdir -p l$i/d; echo $i > l$i/d/f; echo $i > l$i/d/own$i; done; : > l130/d/last',
    scratch,
  );
  using stack = new DisposableStack();
  const layers = Array.from({ length: 130 }, (_, index) => stack.use(openDirectory(join(scratch, `l${130 - index}`))));
  const archive = Buffer.concat([...copied(treeArchive([{ layers, options: { attributes: 'trusted' } }]))]);
  unpackLayerAlone(scratch, archive);
  sh('test $(cat out/d/f) = 130; test $(ls out/d | wc -l) = 132; test $(cat out/d/own1) = 1', scratch);
});

function unpackLayerAlone(scratch: string, archive: Buffer): void {
  writeFileSync(join(scratch, 'out.tar'), archive);
  sh('mkdir out; tar -xf out.tar -C out', scratch);
}

unpackTest('the root of the archive can be left out and named', [], async ({ scratch }) => {
  sh('mkdir -p lower upper/keep upper/skip/in; echo x > upper/keep/f', scratch);
  using upper = openDirectory(join(scratch, 'upper'));
  const options = {
    attributes: 'trusted' as const,
    leaveOut: (path: string) => path === 'skip',
    below: 'mnt' as typeof rootPath,
  };
  unpackLayerAlone(scratch, Buffer.concat([...copied(treeArchive([{ layers: [upper], options }]))]));
  sh('test -f out/mnt/keep/f; test ! -e out/mnt/skip', scratch);
});
