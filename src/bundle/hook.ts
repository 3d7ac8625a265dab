/**
 * Hooks that run while nobody waits inside the container: poststart and poststop (config.md, "POSIX-platform Hooks").
 * The others are steps of the plan. Acts.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { OnggiError } from '../errors.ts';
import type { Hook } from '../oci/runtime-spec.ts';
import type { HookKindOutside } from './hook-kind.ts';

/** What a failed hook had to say, at most. */
const longestComplaint = 4096;

/**
 * Runs the hooks one after the other, each with `state` on standard input. A failure is told and the next one runs
 * (runtime.md, "Lifecycle": the runtime logs a warning and goes on).
 *
 * @param directory where they run, the bundle's as with runc and crun; "/" when it is gone
 * @param state JSON (`hookState`)
 * @param warn told about each hook that failed, and how
 */
export async function runHooks(
  kind: HookKindOutside,
  hooks: readonly Hook[] | undefined,
  directory: string,
  state: string,
  warn: (message: string) => void,
): Promise<void> {
  for (const hook of hooks ?? []) {
    try {
      await runHook(kind, hook, existsSync(directory) ? directory : '/', state);
    } catch (error) {
      warn(error instanceof Error ? error.message : String(error));
    }
  }
}

function runHook(kind: string, hook: Hook, directory: string, state: string): Promise<void> {
  const what = `${kind} hook "${hook.path}"`;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const [name = hook.path, ...args] = hook.args ?? [];
  // A group of its own, so that what it has started ends with it when its time is over.
  const child = spawn(hook.path, args, {
    argv0: name,
    cwd: directory,
    env: environmentOf(hook.env ?? []),
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
  });
  let complaint = '';
  let overdue = false;
  const timer =
    hook.timeout === undefined
      ? undefined
      : setTimeout(() => {
          overdue = true;
          if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
        }, hook.timeout * 1000);
  const fail = (found: string): void => {
    const said = complaint.trim();
    reject(new OnggiError('internal', `${what}: ${found}${said === '' ? '' : `: ${said}`}`));
  };
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    complaint = (complaint + chunk).slice(-longestComplaint);
  });
  // A hook need not read what it is told.
  child.stdin.on('error', () => {});
  child.stdin.end(state);
  child.on('error', (error) => {
    clearTimeout(timer);
    fail(error.message);
  });
  child.on('exit', (status, signal) => {
    clearTimeout(timer);
    // Whatever it left in the background may hold the pipe open for ever.
    child.stderr.destroy();
    if (overdue) fail(`it took longer than ${hook.timeout} seconds`);
    else if (status === 0) resolve();
    else fail(status === null ? `killed by ${signal}` : `exit status ${status}`);
  });
  return promise;
}

function environmentOf(env: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    env.map((entry) => {
      const equals = entry.indexOf('=');
      return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}
