/** A program on a pseudoterminal, as a person at a keyboard would drive it. The pty itself is made by terminal.py. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { pause } from './program.ts';

export type Size = { readonly rows: number; readonly columns: number };

export type Terminal = AsyncDisposable & {
  /** Keys, as they are: '\r' is Enter, '\x03' Ctrl-C. */
  type(keys: string): void;
  resize(size: Size): void;
  /** All that was printed, carriage returns included. */
  screen(): string;
  /**
   * Resolves with the first match after what an earlier call has matched.
   * @throws Error when the program ends or `timeout` ms pass before
   */
  expect(pattern: RegExp, timeout?: number): Promise<RegExpMatchArray>;
  /** Exit status; 128 plus the signal that ended it. */
  readonly exit: Promise<number>;
};

export function openTerminal(
  command: string,
  args: readonly string[],
  size: Size = { rows: 24, columns: 80 },
): Terminal {
  const program = join(import.meta.dirname, 'terminal.py');
  const child = spawn('python3', [program, String(size.rows), String(size.columns), command, ...args], {
    stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
  });
  const [keyboard, , , control] = child.stdio as unknown as [Writable, unknown, unknown, Writable];
  for (const stream of [keyboard, control]) stream.on('error', () => {});
  let [screen, read, ended] = ['', 0, false];
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    screen += chunk;
  });
  const exit = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => {
      ended = true;
      resolve(status ?? 255);
    });
  });
  return {
    type: (keys) => void keyboard.write(keys),
    resize: ({ rows, columns }) => void control.write(`${rows} ${columns}\n`),
    screen: () => screen,
    expect: async (pattern, timeout = 10_000) => {
      const end = Date.now() + timeout;
      for (;;) {
        const match = screen.slice(read).match(pattern);
        if (match !== null) {
          read += (match.index ?? 0) + match[0].length;
          return match;
        }
        if (ended || Date.now() > end) throw new Error(`waited for ${pattern}, screen: ${JSON.stringify(screen)}`);
        await pause(10);
      }
    },
    exit,
    // Hanging up ends the program as closing the window would.
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await exit;
    },
  };
}
