/** Debian's podman with crun, on directories of its own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Engine, must, removeCgroups, unmountBelow, versionOf } from './engine.ts';

export function startPodman(scratch: string, tar: string): Engine {
  const at = (name: string) => join(scratch, 'podman', name);
  mkdirSync(at(''), { recursive: true });
  // The usual limits are above what a machine may allow without CAP_SYS_RESOURCE; 20000 and 32768 fit most.
  const limits = 'default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]';
  writeFileSync(
    at('containers.conf'),
    `[containers]\n${limits}\n[engine]\ncgroup_manager = "cgroupfs"\nruntime = "crun"\n`,
  );
  const env = { CONTAINERS_CONF: at('containers.conf') };
  const podman = ['podman', '--root', at('root'), '--runroot', at('run'), '--storage-driver', 'overlay'];
  must([...podman, 'import', tar, 'bench'], env);
  return {
    name: 'podman',
    version: versionOf('podman'),
    run: (network) => ({
      name: 'podman',
      argv: [...podman, 'run', '--rm', '--network', network, 'bench', 'true'],
      env,
    }),
    cli: { argv: podman, env },
    start: { name: 'podman', argv: ['podman', '--version'] },
    idle: () => {
      const id = must([...podman, 'run', '-d', '--network', 'none', 'bench', 'sleep', '600'], env);
      return Number(must([...podman, 'inspect', '--format', '{{.State.Pid}}', id], env));
    },
    stop: async () => {
      must([...podman, 'rm', '-af', '-t', '0'], env);
      await removeCgroups('libpod_parent');
      unmountBelow(join(scratch, 'podman'));
    },
  };
}
