/** Runs programs and keeps what they print. */
import { type ChildProcess, spawn } from 'node:child_process';

/** Time limits are multiplied by it: an emulated machine is slow, and slower on a busy one (ONGGI_TEST_PATIENCE). */
export const patience = Number(process.env['ONGGI_TEST_PATIENCE'] ?? 1);

export type Outcome = {
  /** Exit status; null when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
};

export type ProgramOptions = {
  readonly input?: string | Uint8Array;
  /** Added to this process's environment; undefined removes. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly directory?: string;
  /** Milliseconds after which it is killed with SIGKILL and the call rejects. 60 s when absent. */
  readonly timeout?: number;
};

/** A program that is running. */
export type Running = {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
  /** What was printed up to now. */
  output(): { readonly stdout: string; readonly stderr: string };
  /** Resolves with the match as soon as stdout matches; rejects when the program ends or `timeout` ms pass before. */
  printed(pattern: RegExp, timeout?: number): Promise<RegExpMatchArray>;
};

/** @throws Error when the program can't be started or takes longer than `timeout` */
export async function run(command: string, args: readonly string[], options: ProgramOptions = {}): Promise<Outcome> {
  const running = start(command, args, options);
  running.child.stdin?.end(options.input);
  return await running.outcome;
}

/** Starts with stdin open: `child.stdin.write()`, `child.stdin.end()`. */
export function start(command: string, args: readonly string[], options: ProgramOptions = {}): Running {
  const env = { ...process.env, ...options.env };
  const child = spawn(command, [...args], { env, cwd: options.directory, stdio: ['pipe', 'pipe', 'pipe'] });
  const text = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text.stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text.stderr += chunk;
  });
  // A program that ends without reading its input is judged by its exit status.
  child.stdin.on('error', () => {});
  const outcome = finished(child, text, `${command} ${args.join(' ')}`, (options.timeout ?? 60_000) * patience);
  return {
    pid: child.pid ?? -1,
    child,
    outcome,
    output: () => ({ ...text }),
    printed: (pattern, timeout = 10_000) => waitForMatch(child, () => text.stdout, pattern, timeout * patience),
  };
}

function finished(child: ChildProcess, text: Pick<Outcome, 'stdout' | 'stderr'>, what: string, timeout: number) {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  const timer = setTimeout(() => {
    child.kill('SIGKILL');
    reject(new Error(`"${what}" did not end within ${timeout} ms; stdout: ${text.stdout} stderr: ${text.stderr}`));
  }, timeout);
  child.once('error', (cause) => {
    clearTimeout(timer);
    reject(cause);
  });
  child.once('close', (status, signal) => {
    clearTimeout(timer);
    resolve({ status, signal, ...text });
  });
  // Whoever only starts a program to kill it need not await the outcome.
  promise.catch(() => {});
  return promise;
}

async function waitForMatch(child: ChildProcess, printed: () => string, pattern: RegExp, timeout: number) {
  const end = Date.now() + timeout;
  for (;;) {
    const match = printed().match(pattern);
    if (match !== null) return match;
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > end) {
      throw new Error(`waited for ${pattern}, printed was: ${JSON.stringify(printed())}`);
    }
    await pause(10);
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Asks every 20 ms until the answer is true. @throws Error that says `what` when it is not within `timeout` ms */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeout = 5_000 * patience,
): Promise<void> {
  const end = Date.now() + timeout;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${timeout} ms: ${what}`);
    await pause(20);
  }
}
