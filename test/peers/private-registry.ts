/** What a registry with users and TLS is started with. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Certificates, makeCertificates } from '../harness/certificate.ts';
import { run } from '../harness/program.ts';
import { binary } from '../harness/system-test.ts';

export const user = 'me';
export const password = 'secret';

/** Paths. */
export type PrivatePlace = Pick<Certificates, 'authority' | 'server'> & {
  /** In the form of htpasswd(1). */
  readonly users: string;
  /** The command of a server of ours with this store. */
  serve(root: string, ...more: readonly string[]): string[];
};

export async function preparePrivate(directory: string): Promise<PrivatePlace> {
  const { authority, server } = await makeCertificates(directory);
  // -B: bcrypt, the only form that docker-registry takes; -C 5: its cheapest, for tests.
  const line = await run('htpasswd', ['-nbB', '-C', '5', user, password]);
  assert.equal(line.status, 0, line.stderr);
  const users = join(directory, 'users');
  writeFileSync(users, line.stdout);
  const flags = ['--htpasswd', users, '--cert', server.certificate, '--key', server.key];
  return {
    authority,
    server,
    users,
    serve: (root, ...more) => [binary, '--root', root, 'registry', 'serve', ...flags, ...more],
  };
}
