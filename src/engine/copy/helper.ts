/**
 * The side of a copy whose files have the ids of a user namespace: a helper does it there, as root among these ids, with
 * nothing of the container but the root directory that it is given on descriptor 3. Acts.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { OnggiError } from '../../errors.ts';
import type { EntryPath } from '../../image/entry-path.ts';
import type { Extracted } from '../../image/tree-extract.ts';
import type { TreePath } from '../../image/tree-find.ts';
import { shimPath } from '../../kernel/addon.ts';
import type { Directory } from '../../kernel/directory.ts';
import type { ProcessIdentity } from '../../kernel/process-identity.ts';
import type { Found } from './decide.ts';
import type { ExtractAsk, Side } from './side.ts';

/** What a helper is asked, as its one argument in JSON. */
export type HelperAsk =
  | { readonly op: 'find'; readonly path: TreePath; readonly follow: boolean }
  | { readonly op: 'read'; readonly path: EntryPath; readonly limit: number }
  | { readonly op: 'archive'; readonly found: Found; readonly name: EntryPath }
  | { readonly op: 'extract'; readonly below: EntryPath; readonly ask: ExtractAsk };

/** What it says at its end, one line of JSON on standard error; warnings are lines before. */
export type HelperWord =
  | { readonly warning: string }
  | { readonly failure: { readonly code: string; readonly message: string } }
  | { readonly answer: unknown };

/** Bytes of standard error that are looked at. */
const longestAnswer = 1024 * 1024;

type Place = {
  readonly root: Directory;
  /** In whose user namespace. */
  readonly process: ProcessIdentity;
  /** What runs the helper, but for the question. */
  readonly command: readonly string[];
  readonly warn: (message: string) => void;
};

export function helperSide(place: Place): Side {
  return {
    find: async (path, follow) => (await asked(place, { op: 'find', path, follow })) as Found,
    async read(path, limit) {
      const found = (await asked(place, { op: 'read', path, limit })) as string | null;
      return found === null ? undefined : Buffer.from(found, 'base64');
    },
    archive: (found, name) => archive(place, { op: 'archive', found, name }),
    async extract(below, ask, pieces) {
      const child = start(place, { op: 'extract', below, ask });
      const answer = answerOf(child, place.warn);
      await feed(child, pieces);
      return (await answer) as Extracted;
    },
  };
}

async function asked(place: Place, ask: HelperAsk): Promise<unknown> {
  const child = start(place, ask);
  child.stdin?.end();
  return await answerOf(child, place.warn);
}

async function* archive(place: Place, ask: HelperAsk): AsyncGenerator<Uint8Array, void, undefined> {
  const child = start(place, ask);
  child.stdin?.end();
  const answer = answerOf(child, place.warn);
  // Told below, once what there is has been read.
  answer.catch(() => {});
  try {
    if (child.stdout !== null) for await (const piece of child.stdout) yield piece as Buffer;
    await answer;
  } finally {
    child.kill('SIGKILL');
  }
}

function start({ root, process: { pid, startTime }, command }: Place, ask: HelperAsk): ChildProcess {
  const words = ['--enter', String(pid), String(startTime), ...command, JSON.stringify(ask)];
  const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
  return spawn(shimPath(), words, { argv0: 'onggi-shim', cwd: '/', env, stdio: ['pipe', 'pipe', 'pipe', root.fd] });
}

/** A helper that has failed takes no more; why stands in its answer. */
async function feed({ stdin }: ChildProcess, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  if (stdin === null) return;
  let broken = false;
  stdin.on('error', () => {
    broken = true;
  });
  for await (const piece of pieces) {
    if (broken) return;
    // The piece is used again by whoever made it.
    if (!stdin.write(Buffer.from(piece)))
      await Promise.race([once(stdin, 'drain'), once(stdin, 'close')]).catch(() => {});
  }
  stdin.end();
}

async function answerOf(child: ChildProcess, warn: (message: string) => void): Promise<unknown> {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < longestAnswer) said += text;
  });
  const [status] = (await once(child, 'close')) as [number | null];
  for (const line of said.split('\n')) {
    const word = parse(line);
    if (word === undefined) continue;
    if ('warning' in word) warn(word.warning);
    else if ('failure' in word) throw failureOf(word.failure);
    else return word.answer;
  }
  throw new OnggiError('internal', `copy in a user namespace: ${said.trim().slice(0, 400) || `status ${status}`}`);
}

function parse(line: string): HelperWord | undefined {
  try {
    return line.startsWith('{') ? (JSON.parse(line) as HelperWord) : undefined;
  } catch {
    return undefined;
  }
}

function failureOf({ code, message }: { readonly code: string; readonly message: string }): OnggiError {
  return new OnggiError(code as OnggiError['code'], message);
}
