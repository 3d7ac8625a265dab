/** `onggi` as an ordinary user: a store of its own, images whose files keep their ids, containers as any other. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { busyboxTar } from '../harness/busybox-image.ts';
import { firstSubId, type OrdinaryUser, type Ran, userId } from '../harness/ordinary-user.ts';
import { ordinaryUserTest, type UserTest } from '../harness/ordinary-user-test.ts';

type World = OrdinaryUser & {
  readonly store: string;
  readonly onggi: (...args: string[]) => Ran;
  readonly ok: (...args: string[]) => string;
};

/** Of uid 1000 inside. */
const thousand = firstSubId + 999;

function engineTest(title: string, options: UserTest, body: (world: World) => void): void {
  ordinaryUserTest(title, { ...options, needs: ['overlay'] }, async (user, place) => {
    const onggi = (...args: string[]): Ran => user.run([join(user.dist, 'onggi'), ...args]);
    const ok = (...args: string[]): string => {
      const { status, stdout, stderr } = onggi(...args);
      assert.equal(status, 0, `onggi ${args.join(' ')}: ${stderr}`);
      assert.equal(stderr, '', args.join(' '));
      return stdout.trim();
    };
    cpSync(await busyboxTar(), join(place, 'busybox.tar'));
    chmodSync(join(place, 'busybox.tar'), 0o644);
    body({ ...user, store: join(user.home, '.local/share/onggi'), onggi, ok });
  });
}

const none = ['--network', 'none'];

engineTest('an image is imported, run, and leaves nothing', {}, ({ ok, onggi, store }) => {
  ok('import', '../busybox.tar', 'busybox');
  assert.match(ok('images', '--format', '{{.Repository}}'), /^busybox$/);
  const { mode, uid } = statSync(store);
  assert.deepEqual([mode & 0o777, uid], [0o700, userId]);
  const look = 'id -u; id -g; cat /proc/self/uid_map; touch /new && stat -c %u:%g /new /bin/busybox';
  const seen = ok('run', '--rm', ...none, 'busybox', 'sh', '-c', look).replace(/ +/g, ' ');
  assert.equal(seen, `0\n0\n 0 ${userId} 1\n 1 ${firstSubId} 65536\n0:0\n0:0`);
  // What another id has written, in a directory that only it may enter, goes with the container.
  const write = 'mkdir -p /var/a/b && touch /var/a/b/c && chown -R 1000:1000 /var/a && chmod 0 /var/a';
  ok('run', '--name', 'writer', ...none, 'busybox', 'sh', '-c', write);
  const [id = ''] = readdirSync(join(store, 'containers'));
  assert.equal(statSync(join(store, 'containers', id, 'upper/var/a')).uid, thousand);
  ok('rm', 'writer');
  ok('run', '--rm', ...none, 'busybox', 'sh', '-c', write);
  assert.deepEqual(readdirSync(join(store, 'containers')), []);
  assert.deepEqual(readdirSync(join(store, 'tmp')), []);
  assert.equal(onggi('run', '--rm', ...none, 'busybox', 'sh', '-c', 'exit 7').status, 7);
  assert.match(onggi('run', '--rm', 'host', 'true').stderr, /no copy of this machine/);
  ok('rmi', 'busybox');
  assert.deepEqual(readdirSync(join(store, 'layers')), []);
});

engineTest('devices of an image are left out, whatever else it has is there', {}, ({ home, ok }) => {
  const archive = join(home, 'devices.tar');
  const made = spawnSync('sh', [
    '-ec',
    'cd "$1"; mkdir t; mknod t/disk b 8 0; mkfifo t/pipe; echo x >t/file; tar -C t -cf "$2" .',
    '-',
    join(home, '..'),
    archive,
  ]);
  assert.equal(made.status, 0, String(made.stderr));
  const id = ok('import', archive, 'devices');
  assert.match(id, /^sha256:/);
  const [layer = ''] = readdirSync(join(home, '.local/share/onggi/layers'));
  assert.deepEqual(readdirSync(join(home, '.local/share/onggi/layers', layer)).sort(), ['file', 'pipe']);
});

engineTest('a container in the background: exec, logs, stop, why, start', {}, ({ ok, run }) => {
  ok('import', '../busybox.tar', 'busybox');
  ok('run', '-d', '--name', 'back', ...none, '--user', '1000', 'busybox', 'sh', '-c', 'echo said; exec sleep 60');
  const pid = ok('inspect', '--format', '{{.State.Pid}}', 'back');
  const status = run(['cat', `/proc/${pid}/status`]).stdout;
  assert.match(status, new RegExp(`^Uid:\\t${thousand}\\t${thousand}\\t${thousand}\\t${thousand}$`, 'm'));
  assert.match(status, /^NoNewPrivs:\t0$/m);
  assert.equal(ok('exec', 'back', 'id', '-u'), '1000');
  assert.equal(ok('exec', '--user', '0', 'back', 'sh', '-c', 'id -u; kill -0 1 && echo may'), '0\nmay');
  assert.equal(ok('logs', 'back'), 'said');
  assert.match(ok('ps', '--format', '{{.Names}} {{.Status}}'), /^back Up /);
  // Copies are done among the ids of the container, whether it runs or not.
  run(['sh', '-c', 'echo mine >mine']);
  for (const [again, state] of ['running', 'stopped'].entries()) {
    ok('cp', 'mine', `back:/tmp/${state}`);
    ok('cp', '-a', `back:/tmp/${state}`, state);
    assert.equal(run(['cat', state]).stdout, 'mine\n');
    ok('cp', '-a', 'mine', `back:/tmp/app-${state}`);
    if (again === 0) ok('stop', '--time', '0', 'back');
  }
  assert.match(ok('why', 'back'), /killed by SIGKILL/);
  ok('start', 'back');
  const owners = ok('exec', 'back', 'sh', '-c', 'stat -c "%n %u" /tmp/*');
  assert.equal(owners, '/tmp/app-running 1000\n/tmp/app-stopped 1000\n/tmp/running 0\n/tmp/stopped 0');
  ok('rm', '--force', 'back');
  assert.equal(ok('ps', '--all', '--quiet'), '');
});

engineTest('unshare is root among the ids of the containers', {}, ({ home, ok, onggi, run }) => {
  assert.equal(ok('unshare', 'sh', '-c', 'id -u; touch f && chown 1000:7 f && stat -c %u:%g f').trim(), '0\n1000:7');
  const { uid, gid } = statSync(join(home, 'f'));
  assert.deepEqual([uid, gid], [thousand, firstSubId + 6]);
  assert.notEqual(run(['sh', '-c', 'echo x >f']).status, 0);
  ok('unshare', 'rm', 'f');
  assert.equal(onggi('unshare', 'sh', '-c', 'exit 9').status, 9);
  assert.equal(onggi('unshare', '/does/not/exist').status, 127);
  // Root there is nobody outside: nothing of the machine's root opens to it.
  const { status, stderr } = onggi('unshare', 'sh', '-c', 'cat /etc/shadow');
  assert.notEqual(status, 0);
  assert.match(stderr, /denied/);
});

engineTest(
  'without ranges of ids: its own is mapped, images with others are refused in words',
  { subIds: false },
  (world) => {
    const { home, ok, onggi, run } = world;
    ok('import', '../busybox.tar', 'busybox');
    assert.equal(ok('run', '--rm', ...none, 'busybox', 'sh', '-c', 'id -u; cat /proc/self/setgroups'), '0\ndeny');
    mkdirSync(join(home, 'tree'));
    chownSync(join(home, 'tree'), 1000, 1000);
    assert.equal(run(['tar', '--numeric-owner', '-cf', 'other.tar', '-C', home, 'tree']).status, 0);
    const { status, stderr } = onggi('import', 'other.tar', 'other');
    assert.notEqual(status, 0);
    assert.match(stderr, /"tree\/".*1000:1000.*\n.*\/etc\/subuid/);
  },
);

engineTest('a store that another could change, or a link to one, is not used', {}, ({ onggi, run, store }) => {
  const refused = (what: RegExp): void => {
    const { status, stderr } = onggi('ps');
    assert.notEqual(status, 0);
    assert.match(stderr, what);
  };
  run(['mkdir', '-p', store]);
  chmodSync(store, 0o777);
  refused(/others could change it/);
  chmodSync(store, 0o700);
  chownSync(store, 0, 0);
  refused(/denied|others could change it/);
  run(['mv', store, `${store}-theirs`]);
  symlinkSync('/var/tmp', store);
  refused(/not a directory/);
  run(['rm', store]);
  // A root that belongs to the machine.
  const { status, stderr } = onggi('--root', '/var/lib/onggi-not-theirs', 'ps');
  assert.notEqual(status, 0);
  assert.match(stderr, /make directory "\/var\/lib\/onggi-not-theirs"/);
});

engineTest('changes are told, exported and committed', {}, ({ ok, home }) => {
  ok('import', '../busybox.tar', 'busybox');
  const write = 'mkdir /d && echo x > /d/f && chown -R 1000:1000 /d && chmod 700 /d && rm -r /www && mkdir /www';
  ok('run', '--name', 'writer', ...none, 'busybox', 'sh', '-c', write);
  assert.deepEqual(ok('diff', 'writer').split('\n'), ['A /d', 'A /d/f', 'C /www', 'D /www/index.html']);
  ok('export', '-o', join(home, 'out.tar'), 'writer');
  const { stdout } = spawnSync('tar', ['--numeric-owner', '-tvf', join(home, 'out.tar'), 'd/f'], { encoding: 'utf8' });
  assert.match(stdout, / 1000\/1000 /);
  ok('commit', 'writer', 'own');
  assert.equal(ok('run', '--rm', ...none, 'own', 'sh', '-c', 'stat -c %u /d/f; cat /d/f'), '1000\nx');
});

/** What the machine says no to: any user namespace, or one more. */
const forbidding = {
  'leave the chroot': 'sh -ec \'mount --rbind / "$0"; exec chroot "$0" "$@"\' ../etc',
  'user.max_user_namespaces': `unshare --user --map-users 0,0,65536 --map-groups 0,0,65536
    sh -ec 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' sh`.replace(/\s*\n\s*/g, ' '),
} as const;

for (const [words, around] of Object.entries(forbidding)) {
  engineTest(`where user namespaces are forbidden it is said so: ${words}`, {}, ({ dist, ok, run }) => {
    ok('import', '../busybox.tar', 'busybox');
    const failure = (...args: string[]): string => {
      const { status, stderr } = run([join(dist, 'onggi'), ...args], around);
      assert.equal(status, 125, stderr);
      return stderr;
    };
    assert.match(failure('run', '--rm', ...none, 'busybox', 'true'), new RegExp(`clone the init.*\n.*${words}`));
    assert.match(failure('unshare', 'true'), /make a user namespace.*user\.max_user_namespaces/);
    assert.equal(ok('ps', '--all', '--quiet'), '');
  });
}
