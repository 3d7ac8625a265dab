/** Secrets: kept by the store, seen by the processes that are given them and nowhere else. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { layoutOf } from '../../src/store/layout.ts';
import { systemTest, type World } from '../harness/system-test.ts';

async function fails(world: World, args: readonly string[], message: RegExp, status: number): Promise<void> {
  const outcome = await world.onggi(args);
  assert.equal(outcome.status, status, `${args.join(' ')}: ${outcome.stdout}${outcome.stderr}`);
  assert.match(outcome.stderr, message, args.join(' '));
}

systemTest('a secret is made, listed, looked at, replaced and removed', ['busybox'], async (world) => {
  const id = await world.ok(['secret', 'create', '-l', 'a=b', 'token', '-'], { input: 'hidden' });
  assert.match(id, /^[0-9a-f]{25}$/);
  const { secrets } = layoutOf(world.root);
  assert.deepEqual([statSync(secrets).mode & 0o777, statSync(join(secrets, id)).mode & 0o777], [0o700, 0o600]);
  assert.equal(await world.ok(['secret', 'ls', '--format', '{{.ID}} {{.Name}} {{.Driver}}']), `${id} token file`);
  const [record] = JSON.parse(await world.ok(['secret', 'inspect', 'token']));
  assert.deepEqual(record.Spec, { Name: 'token', Driver: { Name: 'file', Options: {} }, Labels: { a: 'b' } });
  assert.equal(
    await world.ok(['secret', 'inspect', '--showsecret', '-f', '{{.SecretData}}', id.slice(0, 6)]),
    'hidden',
  );
  await fails(world, ['secret', 'create', 'token', '-'], /it has 0 bytes/, 1);
  const file = join(world.scratch, 'file');
  writeFileSync(file, 'other');
  await fails(world, ['secret', 'create', 'token', file], /secret name in use/, 1);
  await fails(world, ['secret', 'create', 'a=b', file], /secret name "a=b"/, 1);
  const other = await world.ok(['secret', 'create', '--replace', 'token', file]);
  assert.deepEqual(readdirSync(secrets), [other]);
  assert.equal((await world.onggi(['secret', 'exists', 'token'])).status, 0);
  await fails(world, ['secret', 'rm', 'nothing'], /no such secret/, 1);
  assert.equal(await world.ok(['secret', 'rm', 'token']), other);
  assert.equal((await world.onggi(['secret', 'exists', 'token'])).status, 1);
  assert.deepEqual(readdirSync(secrets), []);
});

systemTest('a container has its secrets, and nobody else reads them', ['busybox'], async (world) => {
  const { image } = world;
  await world.ok(['secret', 'create', 'token', '-'], { input: 'top-hidden' });
  const flags = [
    '--secret',
    'token',
    '--secret',
    'token,target=/etc/key,uid=7,gid=8,mode=400',
    '--secret',
    'token,type=env,target=KEY',
  ];
  const look =
    'cat /run/secrets/token /etc/key; echo; stat -c "%n %a %u:%g" /run/secrets/token /etc/key; echo $KEY; echo x >/run/secrets/token';
  const id = await world.ok(['create', '--network', 'none', ...flags, image, 'sh', '-c', look]);
  // It keeps what it was made with.
  await world.ok(['secret', 'rm', 'token']);
  const { stdout, stderr } = await world.onggi(['start', '-a', id]);
  assert.deepEqual(stdout.trim().split('\n'), [
    'top-hiddentop-hidden',
    '/run/secrets/token 444 0:0',
    '/etc/key 400 7:8',
    'top-hidden',
  ]);
  assert.match(stderr, /Read-only file system/);
  await world.ok(['commit', id, 'made']);
  const archives = [await world.ok(['inspect', id]), await world.ok(['inspect', 'made']), await world.ok(['diff', id])];
  const exported = join(world.scratch, 'export.tar');
  await world.ok(['export', '-o', exported, id]);
  await world.ok(['save', '-o', `${exported}.image`, 'made']);
  for (const path of [exported, `${exported}.image`]) archives.push(readFileSync(path, 'latin1'));
  for (const text of archives) assert.ok(!text.includes('top-hidden'));
  assert.ok(!execFileSync('tar', ['-tf', exported], { encoding: 'utf8' }).includes('run/secrets/token'));
  await world.ok(['secret', 'create', 'token', '-'], { input: 'top-hidden' });
  assert.ok(!(await world.ok(['run', '--explain', ...flags, image, 'true'])).includes('top-hidden'));
  await fails(world, ['run', '--rm', '--secret', 'nothing', image, 'true'], /no secret with name or id "nothing"/, 125);
  await world.ok(['secret', 'rm', '--all']);
  await world.ok(['rm', id]);
  await world.ok(['rmi', 'made']);
});
