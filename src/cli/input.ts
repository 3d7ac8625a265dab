/** Standard input of this process. Acts; nothing is read or changed before it is asked for. */

export type Input = {
  readonly isTerminal: () => boolean;
  /** Bytes until the end of the input. */
  readonly chunks: () => AsyncIterable<Uint8Array>;
  /** Every key as it is pressed, no echo, no signals from keys; disposing puts the terminal back. */
  readonly raw: () => Promise<Disposable>;
};

export function standardInput(): Input {
  return {
    isTerminal: () => process.getBuiltinModule('node:tty').isatty(0),
    chunks: () => process.stdin,
    raw: async () => (await import('../engine/terminal.ts')).rawTerminal(0),
  };
}
