import { join } from 'node:path';
import { binary } from '../test/harness/system-test.ts';
import { type Engine, must, versionOf } from './engine.ts';

export function startOnggi(scratch: string, tar: string): Engine {
  const onggi = [binary, '--root', join(scratch, 'onggi')];
  must([...onggi, 'import', tar, 'bench']);
  return {
    name: 'onggi',
    version: versionOf(binary),
    run: (network) => ({ name: 'onggi', argv: [...onggi, 'run', '--rm', '--network', network, 'bench', 'true'] }),
    cli: { argv: onggi, env: {} },
    start: { name: 'onggi', argv: [binary, '--version'] },
    idle: () => {
      const id = must([...onggi, 'run', '-d', '--network', 'none', 'bench', 'sleep', '600']);
      return Number(must([...onggi, 'inspect', '--format', '{{.State.Pid}}', id]));
    },
    stop: async () => {
      const containers = must([...onggi, 'ps', '-aq'])
        .split('\n')
        .filter(Boolean);
      if (containers.length > 0) must([...onggi, 'rm', '-f', ...containers]);
    },
  };
}
