/** `spec`: a config.json to begin with. Acts. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';
import { readCgroupLayout } from '../runtime/cgroup/layout.ts';
import { defaultSpec } from './default-spec.ts';

/** @throws OnggiError `exists` */
export function writeDefaultSpec(bundle: string, rootless: boolean): void {
  const path = resolve(bundle, 'config.json');
  const ids = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  const spec = defaultSpec({ unified: readCgroupLayout().mode === 'unified', rootless: rootless ? ids : null });
  try {
    writeFileSync(path, `${JSON.stringify(spec, null, '\t')}\n`, { flag: 'wx', mode: 0o666 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw fromSystemError(error, `write "${path}"`);
    throw new OnggiError('exists', `File config.json exists: "${path}"`, {
      hint: 'Remove it first, or name another bundle.',
    });
  }
}
