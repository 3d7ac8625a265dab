/** The library as its users get it: packed by npm and installed into an empty project. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../test/harness/busybox-image.ts';
import { type Print, runCheck } from './test-program.ts';
import type { Counts } from './test-summary.ts';

/** @param project an empty directory */
export async function packLibrary(project: string, print: Print): Promise<Counts> {
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
  const script =
    'npm pack --silent --pack-destination "$1" && cd "$1" && npm install --silent --prefer-offline ./onggi-*.tgz';
  const program = { command: 'bash', args: ['-c', script, '--', project], directory: repository, limit: 300 };
  return await runCheck('npm pack and install', program, print);
}
