/** Starts one program of a test run, shows what it prints, and counts. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type Counts, judge, summaryIn } from './test-summary.ts';

export type Program = {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly directory?: string;
  /** Seconds, then it is killed and has failed. */
  readonly limit: number;
};

/** Takes the lines of a phase. */
export type Print = (line: string) => void;

/** Runs a program that prints a summary line. */
export async function runTests(program: Program, print: Print): Promise<Counts> {
  let summary: Counts | undefined;
  const status = await execute(program, (line) => {
    const found = summaryIn(line);
    if (found === undefined) print(line);
    summary = found ?? summary;
  });
  return judge(status, summary);
}

/** Runs a program that is one test by itself: its exit status says how it went. */
export async function runCheck(name: string, program: Program, print: Print): Promise<Counts> {
  const started = Date.now();
  const lines: string[] = [];
  const status = await execute(program, (line) => lines.push(line));
  const passed = status === 0;
  if (!passed) print(lines.join('\n'));
  print(`${passed ? 'ok  ' : 'FAIL'} ${name} (${Date.now() - started} ms)`);
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 };
}

/** @returns the exit status, null when a signal or the time limit ended it */
async function execute(program: Program, onLine: (line: string) => void): Promise<number | null> {
  const { command, args, limit } = program;
  const child = spawn(command, [...args], {
    env: { ...process.env, ...program.env },
    cwd: program.directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own: what it has started must not outlive it, least of all with the machine's lock.
    detached: true,
  });
  const killGroup = () => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  };
  endWithUs(killGroup);
  const timer = setTimeout(() => {
    onLine(`"${command} ${args.slice(0, 4).join(' ')} ..." did not end within ${limit} s`);
    killGroup();
  }, limit * 1000);
  const finish = () => {
    clearTimeout(timer);
    running.delete(killGroup);
  };
  createInterface({ input: child.stdout }).on('line', onLine);
  createInterface({ input: child.stderr }).on('line', onLine);
  return await new Promise((resolve) => {
    child.once('error', (error) => {
      finish();
      onLine(`${command}: ${error.message}`);
      resolve(null);
    });
    child.once('close', (status) => {
      finish();
      resolve(status);
    });
  });
}

/** How to kill each program that has not ended: a phase may go on beside another. */
const running = new Set<() => void>();

function endWithUs(kill: () => void): void {
  if (running.size === 0 && process.listenerCount('SIGTERM') === 0) {
    const interrupted = () => {
      for (const killOne of running) killOne();
      process.exit(130);
    };
    process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  }
  running.add(kill);
}
