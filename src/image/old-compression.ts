/**
 * xz and bzip2, in archives that a user imports. No layer of an image is compressed so, and no runtime has them, so they
 * are left to the machine's own xz(1) and bzip2(1), by absolute path: they are everywhere, kept by their distribution,
 * and run as nobody with pipes as their only descriptors.
 */
import { existsSync } from 'node:fs';
import { errnoOf, OnggiError, unsupported } from '../errors.ts';
import { inUserNamespace } from '../kernel/user-namespace.ts';
import { magicLength } from './decompress.ts';

const programs = [
  { is: 'xz', magic: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]), path: '/usr/bin/xz' },
  { is: 'bzip2', magic: Buffer.from('BZh'), path: '/usr/bin/bzip2' },
] as const;

/** The traditional id of nobody: owns nothing. */
const nobody = 65534;

/**
 * The bytes as they are, unless they are compressed by xz or bzip2.
 * @param what names the archive in errors
 * @throws OnggiError `unsupported` when the program is not installed, `corrupt`, what `source` throws
 */
export async function* withoutOldCompression(
  source: AsyncIterable<Uint8Array>,
  what: string,
): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let length = 0;
  try {
    while (length < magicLength) {
      const next = await iterator.next();
      if (next.done) break;
      head.push(Buffer.from(next.value));
      length += next.value.length;
    }
    const start = Buffer.concat(head);
    const program = programs.find(({ magic }) => start.subarray(0, magic.length).equals(magic));
    if (program === undefined) yield* rest(start, iterator);
    else yield* through(program, rest(start, iterator), what);
  } finally {
    await iterator.return?.();
  }
}

async function* rest(start: Buffer, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (start.length > 0) yield start;
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
}

async function* through(
  { is, path }: (typeof programs)[number],
  bytes: AsyncIterable<Uint8Array>,
  what: string,
): AsyncGenerator<Uint8Array> {
  if (!existsSync(path)) {
    throw unsupported(`${is} compression (${what}) without "${path}"`, `Install ${is}, or decompress it before.`);
  }
  // Twenty milliseconds, which an archive of another kind does without.
  const { spawn } = await import('node:child_process');
  const other = process.geteuid?.() === 0 && !inUserNamespace() ? { uid: nobody, gid: nobody } : {};
  const child = spawn(path, ['-dc'], { stdio: ['pipe', 'pipe', 'pipe'], cwd: '/', env: {}, ...other });
  const ended = new Promise<string>((resolve) => {
    let said = '';
    child.stderr.on('data', (piece: Buffer) => {
      if (said.length < 1000) said += piece.toString();
    });
    child.on('error', (error) => resolve(error.message));
    child.on('close', (status, signal) =>
      resolve(status === 0 ? '' : said.trim() || `it ended with ${signal ?? status}`),
    );
  });
  let failure: { readonly error: unknown } | undefined;
  const feeding = (async () => {
    try {
      for await (const piece of bytes) {
        if (!child.stdin.write(piece))
          await new Promise((resolve) => child.stdin.once('drain', resolve).once('close', resolve));
        if (child.stdin.destroyed) return;
      }
      child.stdin.end();
    } catch (error) {
      failure = { error };
      child.kill('SIGKILL');
    }
  })();
  child.stdin.on('error', (error) => {
    if (errnoOf(error) !== 'EPIPE') child.kill('SIGKILL');
  });
  try {
    for await (const piece of child.stdout) yield piece;
    const problem = await ended;
    if (failure !== undefined) throw failure.error;
    if (problem !== '') throw new OnggiError('corrupt', `${what}: ${is}: ${problem}`);
  } finally {
    child.kill('SIGKILL');
    child.stdin.destroy();
    await Promise.all([ended, feeding]);
  }
}
