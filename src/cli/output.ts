/** Standard output and standard error of this process. Acts. */

import { errnoOf, fromSystemError } from '../errors.ts';
import { brokenPipeStatus } from './broken-pipe.ts';

export type TerminalSize = { readonly rows: number; readonly columns: number };

export type Output = {
  readonly isTerminal: () => boolean;
  /** The whole text, in order, before this returns. For messages, tables and logs. */
  readonly print: (text: string | Uint8Array) => void;
  /** Resolves when all bytes are taken; meanwhile input and signals are served. For streams. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** Undefined when this is no terminal. */
  readonly size: () => TerminalSize | undefined;
};

export function outputOf(descriptor: 1 | 2): Output {
  const isTerminal = () => process.getBuiltinModule('node:tty').isatty(descriptor);
  return {
    isTerminal,
    print: (text) => printAll(descriptor, typeof text === 'string' ? new TextEncoder().encode(text) : text),
    write: (bytes) => writeAll(descriptor, bytes),
    size: () => {
      if (!isTerminal()) return undefined;
      const [columns, rows] = (descriptor === 1 ? process.stdout : process.stderr).getWindowSize();
      return { rows, columns };
    },
  };
}

function printAll(descriptor: number, bytes: Uint8Array): void {
  // Many a command prints nothing, and to load node:fs takes a millisecond.
  const { writeSync } = process.getBuiltinModule('node:fs');
  for (let rest = bytes; rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') throw failed(descriptor, error);
      // Somebody made the descriptor non-blocking; there is nothing else to do than wait for the reader.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

async function writeAll(descriptor: number, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0; ) {
    try {
      rest = rest.subarray(await writeOnce(descriptor, rest));
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') throw failed(descriptor, error);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

function writeOnce(descriptor: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    process
      .getBuiltinModule('node:fs')
      .write(descriptor, bytes, (error, written) => (error === null ? resolve(written) : reject(error)));
  });
}

/** Without a reader there is nobody to tell: the process ends as SIGPIPE would have ended it. */
function failed(descriptor: number, error: unknown): Error {
  if (errnoOf(error) === 'EPIPE') process.exit(brokenPipeStatus);
  return fromSystemError(error, descriptor === 1 ? 'write to standard output' : 'write to standard error');
}
