/**
 * Programs that keep credentials: docker-credential-NAME with the words get, store, erase and list, which talk by
 * standard input and output (github.com/docker/docker-credential-helpers). Secrets pass through pipes alone.
 */
import type { ChildProcess } from 'node:child_process';
import * as v from 'valibot';
import { errnoOf, OnggiError } from '../errors.ts';
import { type Credentials, redact, secretsOf } from './credentials.ts';

/** Milliseconds: somebody may have to unlock a key ring. */
const patience = 60_000;
const outputLimit = 1024 * 1024;

/** The user name that says that the secret is an identity token. */
const tokenUser = '<token>';

const answerSchema = v.object({ Username: v.string(), Secret: v.string() });
const listSchema = v.record(v.string(), v.string());

/**
 * @param address as in config.json: "registry.example:5000", "https://index.docker.io/v1/"
 * @returns null when the helper knows nothing about it
 * @throws OnggiError `not-found` (no such program), `unavailable` (it failed), `invalid` (its name)
 */
export async function askHelper(helper: string, address: string): Promise<Credentials | null> {
  const { status, output } = await run(helper, 'get', address);
  if (status !== 0) {
    // Its only way to say so, the same text in all of them.
    if (/credentials not found/i.test(output)) return null;
    throw failed(helper, 'get', output, []);
  }
  const { Username: username, Secret: secret } = parse(answerSchema, output, helper, 'get');
  if (username === '' && secret === '') return null;
  return username === tokenUser ? { identityToken: secret } : { username, password: secret };
}

/** @throws as `askHelper` */
export async function storeByHelper(helper: string, address: string, credentials: Credentials): Promise<void> {
  const [Username, Secret] =
    'identityToken' in credentials
      ? [tokenUser, credentials.identityToken]
      : 'username' in credentials
        ? [credentials.username, credentials.password]
        : ['', credentials.registryToken];
  const { status, output } = await run(helper, 'store', JSON.stringify({ ServerURL: address, Username, Secret }));
  if (status !== 0) throw failed(helper, 'store', output, secretsOf(credentials, null));
}

/** Idempotent. @throws as `askHelper` */
export async function eraseByHelper(helper: string, address: string): Promise<void> {
  const { status, output } = await run(helper, 'erase', address);
  if (status !== 0 && !/credentials not found/i.test(output)) throw failed(helper, 'erase', output, []);
}

/** Addresses with their user names. @throws as `askHelper` */
export async function listByHelper(helper: string): Promise<Readonly<Record<string, string>>> {
  const { status, output } = await run(helper, 'list', '');
  if (status !== 0) throw failed(helper, 'list', output, []);
  return parse(listSchema, output, helper, 'list');
}

function parse<const S extends v.GenericSchema>(
  schema: S,
  output: string,
  helper: string,
  word: string,
): v.InferOutput<S> {
  try {
    return v.parse(schema, JSON.parse(output));
  } catch {
    // Without the cause: it quotes the secret.
    throw new OnggiError('unavailable', `credential helper "docker-credential-${helper}" ${word}: no such answer`);
  }
}

function failed(helper: string, word: string, output: string, secrets: readonly string[]): OnggiError {
  const said = redact(output.trim().split('\n')[0]?.slice(0, 200) ?? '', secrets);
  const message = `credential helper "docker-credential-${helper}" ${word}: failed${said === '' ? '' : `: ${said}`}`;
  return new OnggiError('unavailable', message, { hint: 'Look at "credsStore" and "credHelpers" of config.json.' });
}

async function run(helper: string, word: string, input: string): Promise<{ status: number | null; output: string }> {
  // No path: a configuration that names one would start any program of the machine.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,100}$/.test(helper)) {
    throw new OnggiError('invalid', `credential helper "${helper.slice(0, 100)}": not the name of a helper`);
  }
  const program = `docker-credential-${helper}`;
  // Whoever has no helper, as most, is spared the loading of it.
  const { spawn } = await import('node:child_process');
  const child = spawn(program, [word], { stdio: ['pipe', 'pipe', 'ignore'], timeout: patience, killSignal: 'SIGKILL' });
  const status = ended(child, program);
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of child.stdout ?? []) {
      pieces.push(piece as Buffer);
      size += (piece as Buffer).length;
      if (size > outputLimit) child.kill('SIGKILL');
    }
  } catch (error) {
    // Of a program that could not be started Bun breaks the pipe, too: why is said there.
    await status;
    throw error;
  }
  return { status: await status, output: Buffer.concat(pieces).subarray(0, outputLimit).toString() };
}

function ended(child: ChildProcess, program: string): Promise<number | null> {
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  promise.catch(() => {});
  child.once('close', resolve);
  child.once('error', (error) => {
    const missing = errnoOf(error) === 'ENOENT';
    const code = missing ? 'not-found' : 'unavailable';
    const found = missing ? 'no such program in $PATH' : 'could not be started';
    reject(new OnggiError(code, `credential helper "${program}": ${found}`, { cause: error }));
  });
  return promise;
}
