/** Debian's skopeo and the executable by that name, asked the same. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Outcome, type ProgramOptions, run } from '../harness/program.ts';
import { binary, type World } from '../harness/system-test.ts';

export const names = ['skopeo', 'ours'] as const;

type Both = (...args: string[]) => Promise<{ readonly skopeo: Outcome; readonly ours: Outcome }>;

/** The executable by that name. */
export async function ours(world: World, args: readonly string[], options: ProgramOptions = {}): Promise<Outcome> {
  const link = join(world.scratch, 'bin');
  mkdirSync(link, { recursive: true });
  const path = join(link, 'skopeo');
  if (!existsSync(path)) symlinkSync(binary, path);
  return await run(path, args, { ...options, env: { ONGGI_ROOT: world.root, ...options.env } });
}

/** Both programs, called in the test's directory; "@@" in an argument begins names of each one's own. */
export function bothPrograms(world: World, more: Readonly<Record<string, string>> = {}): Both {
  const link = join(world.scratch, 'skopeo');
  symlinkSync(binary, link);
  // Nobody's credentials.
  const auth = join(world.scratch, 'auth.json');
  writeFileSync(auth, '{}');
  const env = { ONGGI_ROOT: world.root, DOCKER_CONFIG: world.scratch, REGISTRY_AUTH_FILE: auth, ...more };
  return async (...args) => {
    const [skopeo, ours] = await Promise.all(
      names.map((name) => {
        const own = args.map((arg) => arg.replaceAll('@@', join(world.scratch, name)));
        return run(name === 'skopeo' ? 'skopeo' : link, own, { env, directory: world.scratch });
      }),
    );
    assert.ok(skopeo && ours);
    return { skopeo, ours };
  };
}
