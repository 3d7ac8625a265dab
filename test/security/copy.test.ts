/** Class E: `cp` out of and into containers whose processes and images want it to work on the host instead. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemTest, type World } from '../harness/system-test.ts';

/** Rounds of a race. With its defence taken out it is lost within them (`make test-weakened`). */
const rounds = 5;

/** Says "swapping" once two names are being exchanged, without end. */
async function swap(world: World, prepare: string): Promise<string> {
  const script = `${prepare}; echo swapping; exec onggi-probe swap /w/dir /w/link`;
  const id = await world.ok(['run', '-d', '--network', 'none', world.image, 'sh', '-c', script]);
  for (let said = ''; !said.includes('swapping'); ) said = await world.ok(['logs', id]);
  return id;
}

systemTest('CVE-2018-15664: a directory becomes a link to the host while it is copied', ['busybox'], async (world) => {
  const victim = join(world.scratch, 'victim');
  mkdirSync(victim);
  writeFileSync(join(victim, 'flag'), 'HOST');
  const own = join(world.scratch, 'own');
  mkdirSync(join(own, 'sub'), { recursive: true });
  writeFileSync(join(own, 'flag'), 'OVERWRITTEN');
  const id = await swap(world, `mkdir -p /w/dir && echo CONTAINER >/w/dir/flag && ln -s ${victim} /w/link`);
  for (let round = 0; round < rounds; round++) {
    const out = await world.onggi(['cp', '-L', `${id}:/w/dir/flag`, '-']);
    assert.ok(!out.stdout.includes('HOST'), 'a file of the host came out');
    await world.onggi(['cp', join(own, 'flag'), `${id}:/w/dir/flag`]);
    await world.onggi(['cp', `${own}/.`, `${id}:/w/dir`]);
    assert.deepEqual(readdirSync(victim), ['flag'], 'something went into the host');
    assert.equal(readFileSync(join(victim, 'flag'), 'utf8'), 'HOST', 'a file of the host was overwritten');
  }
});

/** What a library does that somebody loads: it leaves a mark, wherever "/" is by then. */
const library = `
#include <fcntl.h>
__attribute__((constructor)) static void loaded(void) { open("/tmp/pwned", O_CREAT | O_WRONLY, 0666); open(VICTIM, O_CREAT | O_WRONLY, 0666); }
`;

systemTest('CVE-2019-14271: libraries of the container are not loaded by a copy', ['busybox'], async (world) => {
  const root = join(world.scratch, 'hostile');
  const victim = join(world.scratch, 'pwned');
  const libraries = join(root, 'lib/x86_64-linux-gnu');
  for (const path of [libraries, join(root, 'etc'), join(root, 'bin'), join(root, 'tmp')])
    mkdirSync(path, { recursive: true });
  const source = join(world.scratch, 'evil.c');
  writeFileSync(source, library);
  const evil = join(libraries, 'libnss_evil.so.2');
  execFileSync('gcc', ['-shared', '-fPIC', `-DVICTIM="${victim}"`, '-o', evil, source]);
  for (const name of ['libnss_files.so.2', 'libnss_compat.so.2', 'libc.so.6'])
    writeFileSync(join(libraries, name), readFileSync(evil));
  writeFileSync(join(root, 'etc/nsswitch.conf'), 'passwd: evil\ngroup: evil\n');
  writeFileSync(join(root, 'etc/ld.so.preload'), '/lib/x86_64-linux-gnu/libnss_evil.so.2\n');
  writeFileSync(join(root, 'etc/passwd'), 'app:x:1000:1000::/:/bin/sh\n');
  for (const name of ['sleep', 'tar', 'sh'])
    writeFileSync(join(root, 'bin', name), readFileSync('/bin/busybox'), { mode: 0o755 });
  const archive = join(world.scratch, 'hostile.tar');
  execFileSync('tar', ['-C', root, '-cf', archive, '.']);
  await world.ok(['import', archive, 'hostile']);
  const id = await world.ok(['run', '-d', '--network', 'none', '-u', 'app', 'hostile', 'sleep', '1000']);
  await world.ok(['cp', '-a', source, `${id}:/tmp/in`]);
  await world.ok(['cp', `${id}:/etc/passwd`, join(world.scratch, 'out')]);
  await world.ok(['stop', '-t', '0', id]);
  await world.ok(['cp', '-a', source, `${id}:/tmp/again`]);
  assert.ok(!existsSync(victim), 'code of the container ran on the host');
  assert.match(await world.ok(['diff', id]), /^(?!.*pwned)/s, 'code of the container ran with rights of the host');
});
