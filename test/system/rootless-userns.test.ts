/** `--userns` and `U` of an ordinary user: who is who, and whose the files are (compared with Podman 4.3). */
import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { busyboxTar } from '../harness/busybox-image.ts';
import { firstSubId, type OrdinaryUser, userId } from '../harness/ordinary-user.ts';
import { ordinaryUserTest } from '../harness/ordinary-user-test.ts';

type World = OrdinaryUser & {
  /** Its output, without runs of blanks. */
  readonly ok: (...args: string[]) => string;
  readonly fails: (args: readonly string[], said: RegExp) => void;
};

function usernsTest(title: string, subIds: boolean, body: (world: World) => void): void {
  ordinaryUserTest(title, { subIds, needs: ['overlay'] }, async (user, place) => {
    const onggi = (args: readonly string[]) => user.run([join(user.dist, 'onggi'), ...args]);
    const ok = (...args: string[]): string => {
      const { status, stdout, stderr } = onggi(args);
      assert.equal(status, 0, `onggi ${args.join(' ')}: ${stderr}`);
      return stdout.trim().replace(/ +/g, ' ');
    };
    cpSync(await busyboxTar(), join(place, 'busybox.tar'));
    chmodSync(join(place, 'busybox.tar'), 0o644);
    body({
      ...user,
      ok,
      fails(args, said) {
        const { status, stderr } = onggi(args);
        assert.equal(status, 125, args.join(' '));
        assert.match(stderr, said, args.join(' '));
      },
    });
  });
}

const none = ['--network', 'none'];
const [me, sub] = [userId, firstSubId];
const owners = 'stat -c "%u:%g %n"';

usernsTest('keep-id, nomap, auto and --uidmap: ids, accounts and files of the image', true, ({ ok, fails }) => {
  ok('import', '../busybox.tar', 'busybox');
  const look = `id; cat /proc/self/uid_map; ${owners} /bin/busybox /etc/hosts; tail -n 1 /etc/passwd; tail -n 1 /etc/group`;
  const seen = (...flags: string[]): string[] =>
    ok('run', '--rm', ...none, ...flags, 'busybox', 'sh', '-c', look).split(/\n */);
  const last = ['app:x:1000:1000::/tmp:/bin/sh', 'staff:x:50:app'];
  const [id, ...kept] = seen('--userns', 'keep-id');
  assert.match(id ?? '', new RegExp(`^uid=${me}\\(lodger\\) gid=${me}\\(lodger\\)`));
  const files = ['0:0 /bin/busybox', '0:0 /etc/hosts'];
  const around = [`0 ${sub} ${me}`, `${me} ${me} 1`, `${me + 1} ${sub + me} ${65_536 - me}`];
  assert.deepEqual(kept, [...around, ...files, `lodger:*:${me}:${me}::/:/bin/sh`, `lodger:x:${me}:lodger`]);
  const two = seen('--userns', 'keep-id:uid=200,gid=210');
  assert.match(two[0] ?? '', /^uid=200\(200\) gid=210\(210\)/);
  assert.deepEqual(two.slice(1, 4), [`0 ${sub} 200`, `200 ${me} 1`, `201 ${sub + 200} 65336`]);
  assert.deepEqual(two.slice(-2), ['200:*:200:210:container user:/:/bin/sh', '210:x:210:200']);
  const usual = [`0 ${me} 1`, `1 ${sub} 65536`];
  assert.deepEqual(seen('--userns', 'keep-id:uid=0,gid=0').slice(1, 3), usual);
  assert.deepEqual(seen('--userns', 'host').slice(1, 3), usual);
  assert.match(seen('--userns', 'keep-id', '--user', '1000')[0] ?? '', /^uid=1000\(app\)/);
  assert.deepEqual(seen('--userns', 'nomap').slice(1), [`0 ${sub} 65536`, ...files, ...last]);
  const part = seen('--uidmap', '0:100:2000', '--gidmap', '0:100:2000');
  assert.deepEqual(part.slice(1), [`0 ${sub + 99} 2000`, ...files, ...last]);
  // Those of auto are no other one's.
  ok('create', '--name', 'first', '--userns', 'auto:size=3000', 'busybox', 'true');
  assert.equal(seen('--userns', 'auto:size=3000')[1], `0 ${sub + 3000} 3000`);
  fails(['run', '--userns', 'auto:size=65000', 'busybox', 'true'], /65000 ids are asked for, and 62536 are left/);
  ok('rm', 'first');
  // Lines of its own in it: 0 of OWN is the user.
  const lines = seen('--userns', 'auto:size=2000,uidmapping=50:0:1,uidmapping=60:100:5,gidmapping=0:0:1');
  const uids = [`0 ${sub + 104} 50`, `50 ${me} 1`, `51 ${sub + 154} 9`, `60 ${sub + 99} 5`, `65 ${sub + 163} 1935`];
  assert.deepEqual(lines.slice(1, 6), uids);
  fails(['run', '--userns', 'auto:uidmapping=1:70000:1', 'busybox'], /uidmap: id 70000 is none of yours/);
  fails(['run', '--rm', ...none, '--userns', 'auto:size=1024', '--user', '2000', 'busybox', 'true'], /user 2000/);
  fails(['run', '--uidmap', '0:60000:9000', 'busybox'], /uidmap: id 65537 is none of yours, which are 0 to 65536/);
  fails(['run', '--userns', 'remap', 'busybox'], /user namespace "remap" without root/);
  fails(['run', '--userns', 'nomap:size=1', 'busybox'], /invalid USER mode/);
});

usernsTest('a container of other ids: binds, volumes, secrets, exec, cp, commit, start again', true, (world) => {
  const { ok, fails, home } = world;
  ok('import', '../busybox.tar', 'busybox');
  writeFileSync(join(home, 'word'), 'said');
  ok('secret', 'create', 'token', 'word');
  const cases = [
    { mode: 'keep-id', at: '/home/x', volume: `${me}:${me}`, bound: `${me}:${me}`, host: me },
    { mode: 'nomap', at: '/x', volume: '0:0', bound: '65534:65534', host: null },
  ] as const;
  for (const { mode, at, volume, bound, host } of cases) {
    const image = `type=image,src=busybox,dst=/i,subpath=bin`;
    const mounts = [
      '--device',
      '/dev/null:/dev/other',
      '--mount',
      image,
      '-v',
      `./new/${mode}:/b`,
      '-v',
      `${mode}:/v`,
      '-v',
      `${mode}-given:/g:U`,
    ];
    const more = ['--userns', mode, '--secret', 'token,uid=7,mode=0400', '--user', host === null ? '1000' : ''];
    const end = 'trap "exit 0" TERM; while :; do sleep 0.1; done';
    ok('run', '-d', '--name', 'other', ...none, ...mounts, ...more, 'busybox', 'sh', '-c', end);
    const inside = (script: string, user = '0'): string => ok('exec', '-u', user, 'other', 'sh', '-c', script);
    const given = host === null ? '1000:1000' : `${me}:${me}`;
    const seen = inside(
      `${owners} /b /v /g /i/busybox /run/secrets/token; echo x >/dev/other; cat /run/secrets/token; echo x >>/etc/hosts; mkdir -p ${at}`,
    );
    assert.deepEqual(seen.split('\n'), [
      `${bound} /b`,
      `${volume} /v`,
      `${given} /g`,
      '0:0 /i/busybox',
      '7:0 /run/secrets/token',
      'said',
    ]);
    inside('echo own >/v/f; chown 3:4 /v/f; echo mine >/made');
    ok('cp', 'word', `other:${at}/copied`);
    if (host !== null) {
      inside('echo mine >/b/made', String(me));
      assert.equal(statSync(join(home, 'new', mode, 'made')).uid, host);
    }
    ok('stop', '-t', '0', 'other');
    if (host !== null) {
      ok('rm', 'other');
      continue;
    }
    ok('cp', 'word', 'other:/stopped');
    const told = ok('diff', 'other').split('\n');
    assert.deepEqual(
      ['/made', '/stopped'].filter((path) => told.includes(`A ${path}`)),
      ['/made', '/stopped'],
    );
    ok('commit', 'other', 'made');
    const again = ['made', 'sh', '-c', `${owners} /made ${at}/copied /bin/busybox`];
    assert.equal(ok('run', '--rm', ...none, ...again), `0:0 /made\n0:0 ${at}/copied\n0:0 /bin/busybox`);
    ok('start', 'other');
    assert.equal(inside(`${owners} /stopped /v/f; cat /etc/hostname | wc -l`), '0:0 /stopped\n3:4 /v/f\n1');
    // What shares one of its namespaces is among its ids.
    const map = ['busybox', 'cat', '/proc/self/uid_map'];
    const own = inside('cat /proc/self/uid_map');
    assert.equal(ok('run', '--rm', '--network', 'container:other', ...map), own);
    assert.equal(ok('run', '--rm', ...none, '--userns', 'container:other', ...map), own);
    fails(
      ['run', '--userns', 'keep-id:uid=5', '--network', 'container:other', 'busybox'],
      /shares namespaces of another/,
    );
    ok('rm', '-f', 'other');
    ok('rmi', 'made');
  }
  ok('secret', 'rm', 'token');
});

usernsTest('U gives what is mounted to the user of the container', true, ({ ok, fails, home }) => {
  ok('import', '../busybox.tar', 'busybox');
  const data = join(home, 'data');
  ok('run', '--rm', ...none, '-v', './data/deep:/d', 'busybox', 'touch', '/d/file');
  const run = (mount: readonly string[], user: string): string =>
    ok('run', '--rm', ...none, ...mount, '--user', user, 'busybox', 'stat', '-c', '%u:%g', '/d/deep/file');
  assert.equal(run(['-v', './data:/d:U'], '1000'), '1000:1000');
  assert.equal(statSync(join(data, 'deep/file')).uid, sub + 999);
  assert.equal(run(['--mount', `type=bind,src=${data},dst=/d,U=true`], 'root'), '0:0');
  assert.deepEqual([statSync(data).uid, statSync(join(data, 'deep/file')).gid], [me, me]);
  assert.equal(run(['--mount', `type=bind,src=${data},dst=/d,chown=false`], '1000'), '0:0');
  fails(['run', '-v', '/etc:/d:U', 'busybox'], /chowning host path "\/etc" is not allowed/);
  fails(['run', '-v', `${home}:/d:U`, 'busybox'], /chowning host path/);
  // Files of others are none to be given away, and nothing runs.
  mkdirSync(join(data, 'roots'));
  fails(
    ['run', '--rm', ...none, '-v', './data:/d:U', '--user', '1000', 'busybox', 'true'],
    /change owner of "roots": EPERM/,
  );
  assert.equal(statSync(join(data, 'roots')).uid, 0);
});

usernsTest('without ranges in /etc/subuid there is nobody else to be', false, ({ ok, fails }) => {
  ok('import', '../busybox.tar', 'busybox');
  for (const mode of ['keep-id', 'nomap', 'auto']) {
    fails(['run', '--userns', mode, 'busybox'], /you have no ids in \/etc\/subuid/);
  }
  assert.equal(ok('run', '--rm', ...none, '--userns', 'keep-id:uid=0,gid=0', 'busybox', 'id', '-u'), '0');
});
