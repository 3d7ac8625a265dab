/** Flags of `run` that choose who does something: where the output goes, which vendor's devices it gets. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bindNotifySocket, sendNotification } from '../../../src/kernel/notify-socket.ts';
import type { World } from '../../harness/system-test.ts';
import type { Row } from './row.ts';

const line = ['run', '--rm', '--network', 'none'];

export const driverRows: readonly Row[] = [
  {
    flag: 'log-driver',
    tried: async (world) => {
      await world.ok([
        'run',
        '--name',
        'logger',
        '--network',
        'none',
        '--log-driver',
        'k8s-file',
        world.image,
        'echo',
        'x',
      ]);
      assert.match(await world.ok(['logs', '-t', 'logger']), /^\d{4}-\S+Z x$/);
      assert.equal(await world.ok(['inspect', '-f', '{{.HostConfig.LogConfig.Type}}', 'logger']), 'k8s-file');
    },
    bad: [['--log-driver', 'nosuch'], /no log driver named 'nosuch' is registered/],
  },
  {
    flag: 'gpus',
    tried: async (world) => {
      const file = '/var/run/cdi/onggi-row.json';
      const devices = [{ name: 'row', containerEdits: { env: ['GPU=row'] } }];
      mkdirSync('/var/run/cdi', { recursive: true });
      writeFileSync(file, JSON.stringify({ cdiVersion: '1.0.0', kind: 'nvidia.com/gpu', devices }));
      try {
        const command = [world.image, 'sh', '-c', 'echo $GPU'];
        assert.equal(await world.ok([...line, '--gpus', 'device=row', ...command]), 'row');
        assert.equal(await world.ok([...line, '--gpus', 'all', ...command]), 'row');
      } finally {
        rmSync(file);
      }
    },
    bad: [['--gpus', 'x'], /invalid count \(x\)/],
  },
  {
    flag: 'runtime',
    needs: ['crun'],
    tried: async (world) => {
      const made = [
        'run',
        '-d',
        '--name',
        'made',
        '--network',
        'none',
        '--runtime',
        'crun',
        world.image,
        'sleep',
        '60',
      ];
      const id = await world.ok(made);
      const pid = await world.ok(['inspect', '-f', '{{.State.Pid}}', 'made']);
      // From the inside it is like any other; the state is crun's.
      const [state] = readdirSync(join(world.root, 'run/s')).filter((name) => name.endsWith('.rt'));
      const status = JSON.parse(readFileSync(join(world.root, 'run/s', state ?? '', 'state', id, 'status'), 'utf8'));
      assert.equal(status.pid, Number(pid));
      await world.ok(['rm', '-f', 'made']);
    },
    bad: [['--runtime', 'nosuch'], /unknown or invalid runtime name: nosuch/],
  },
  {
    flag: 'sdnotify',
    tried: async (world, directory) => {
      const path = `${directory}/manager.sock`;
      using manager = bindNotifySocket(path);
      const env = { NOTIFY_SOCKET: path };
      const heard = () => [manager.receive(10_000), manager.receive(10_000)];
      const talk = ['run', '-d', '--name', 'notifier', '--network', 'none'];
      await world.ok([...talk, '--sdnotify', 'conmon', world.image, 'sleep', '60'], { env });
      const pid = await world.ok(['inspect', '-f', '{{.State.Pid}}', 'notifier']);
      const shim = /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      assert.deepEqual(heard(), [`MAINPID=${shim}\n`, 'READY=1\n']);
      await world.ok(['rm', '-f', 'notifier']);
      // The container tells it itself; the socket is not that of the manager.
      const script = 'echo $NOTIFY_SOCKET; ls -l $NOTIFY_SOCKET | cut -c1; exec sleep 60';
      const started = world.start([...talk, '--sdnotify', 'container', world.image, 'sh', '-c', script], { env });
      assert.match(manager.receive(10_000) ?? '', /^MAINPID=\d+\n$/);
      sendNotification(`${await socketOf(world)}`, 'STATUS=soon\n');
      assert.equal(manager.receive(300), undefined, 'it is not ready yet');
      sendNotification(`${await socketOf(world)}`, 'STATUS=now\nREADY=1\n');
      assert.equal(manager.receive(10_000), 'READY=1\n');
      assert.equal((await started.outcome).status, 0);
      assert.equal(await world.ok(['logs', 'notifier']), '/run/notify/notify.sock\ns');
      await world.ok(['rm', '-f', 'notifier']);
    },
    bad: [['--sdnotify', 'x'], /invalid sdnotify mode: 'x'/],
  },
  {
    // What a real systemd makes of it: test/system/systemd-container.test.ts.
    flag: 'systemd',
    tried: async (world) => {
      const look = 'echo $container; grep -c "^tmpfs /run/lock tmpfs rw" /proc/mounts; :';
      const asked = (mode: string) => world.onggi([...line, '--systemd', mode, world.image, 'sh', '-c', look]);
      for (const mode of ['true', 'false']) assert.equal((await asked(mode)).stdout, '\n0\n');
      const always = await asked('always');
      const cgroups = readFileSync('/proc/self/mountinfo', 'utf8');
      if (/ - cgroup /.test(cgroups) && !cgroups.includes('name=systemd')) {
        assert.match(always.stderr, /--systemd: this machine has no cgroup hierarchy of systemd/);
        return;
      }
      assert.equal(always.stdout, 'onggi\n1\n', always.stderr);
      const init = ['--name', 'init', world.image, '/sbin/init'];
      await world.ok(['create', ...init]);
      assert.equal(await world.ok(['inspect', '-f', '{{.Config.StopSignal}}', 'init']), 'SIGRTMIN+3');
      await world.ok(['rm', 'init']);
    },
    bad: [['--systemd', 'x'], /invalid value "x" systemd option requires 'true, false, always'/],
  },
];

async function socketOf(world: World): Promise<string> {
  const id = await world.ok(['inspect', '-f', '{{.Id}}', 'notifier']);
  return `${world.root}/containers/${id}/notify/notify.sock`;
}
