/** crun and runc by themselves: one bundle with a plain rootfs, no image, no log, nothing recorded. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { layOut } from '../test/harness/busybox-image.ts';
import { type Engine, must, versionOf } from './engine.ts';

export function startRuntime(name: 'crun' | 'runc', scratch: string): Engine {
  const bundle = join(scratch, name);
  const state = join(scratch, `${name}-state`);
  mkdirSync(bundle);
  layOut(join(bundle, 'rootfs'));
  must(['sh', '-c', 'cd "$0" && "$1" spec', bundle, name]);
  const path = join(bundle, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8')) as { process: { terminal: boolean; args: string[] } };
  config.process.terminal = false;
  config.process.args = ['true'];
  writeFileSync(path, JSON.stringify(config));
  return {
    name,
    version: versionOf(name),
    run: (network) =>
      network === 'none'
        ? { name, argv: [name, '--root', state, 'run', '--bundle', bundle, `onggi-bench-${name}`] }
        : undefined,
    start: { name, argv: [name, '--version'] },
    stop: async () => {},
  };
}
