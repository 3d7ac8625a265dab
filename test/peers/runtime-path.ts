import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../harness/busybox-image.ts';

/** The runtime that the peers are given; another one by ONGGI_RUNTIME, to judge the tests with. */
export const runtimePath = process.env['ONGGI_RUNTIME'] ?? join(repository, 'dist/onggi-runtime');

export function assertBuilt(): void {
  if (!existsSync(runtimePath)) throw new Error(`"${runtimePath}" is not built: run make`);
}
