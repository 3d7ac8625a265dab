/** Debian's dockerd, started by hand on directories of its own, stopped by its pid. */
import { spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../test/harness/program.ts';
import { type Engine, must, removeCgroups, versionOf } from './engine.ts';

const cgroup = 'onggi-bench-docker';

export async function startDocker(scratch: string, tar: string): Promise<Engine> {
  const at = (name: string) => join(scratch, 'docker', name);
  const host = `unix://${at('socket')}`;
  const directories = ['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid')];
  must(['mkdir', '-p', at('')]);
  const log = openSync(at('log'), 'w');
  const daemon = spawn(
    'dockerd',
    ['-H', host, ...directories, '--storage-driver', 'overlay2', '--cgroup-parent', `/${cgroup}`],
    { stdio: ['ignore', log, log] },
  );
  const ended = new Promise<void>((resolve) => daemon.once('close', () => resolve()));
  // Debian's own client, of the daemon's release.
  const docker = ['/usr/bin/docker', '-H', host];
  const stopDaemon = async () => {
    daemon.kill('SIGTERM');
    await ended;
  };
  try {
    await eventually('dockerd answers', () => answers([...docker, 'info']), 30_000);
    must([...docker, 'import', tar, 'bench']);
  } catch (error) {
    await stopDaemon();
    throw new Error(`its log ends with: ${readFileSync(at('log'), 'utf8').slice(-500)}`, { cause: error });
  }
  return {
    name: 'docker',
    version: versionOf('/usr/bin/docker'),
    run: (network) => ({ name: 'docker', argv: [...docker, 'run', '--rm', '--network', network, 'bench', 'true'] }),
    cli: { argv: docker, env: {} },
    start: { name: 'docker', argv: ['/usr/bin/docker', '--version'] },
    idle: () => {
      const id = must([...docker, 'run', '-d', '--network', 'none', 'bench', 'sleep', '600']);
      return Number(must([...docker, 'inspect', '--format', '{{.State.Pid}}', id]));
    },
    stop: async () => {
      const containers = must([...docker, 'ps', '-aq'])
        .split('\n')
        .filter(Boolean);
      if (containers.length > 0) must([...docker, 'rm', '-f', ...containers]);
      await stopDaemon();
      await removeCgroups(cgroup);
    },
  };
}

function answers(argv: readonly string[]): boolean {
  try {
    must(argv);
    return true;
  } catch {
    return false;
  }
}
