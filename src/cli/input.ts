/** Standard input of this process. Acts; nothing is read or changed before it is asked for. */

export type Input = {
  readonly isTerminal: () => boolean;
  /** Bytes until the end of the input. */
  readonly chunks: () => AsyncIterable<Uint8Array>;
  /** Every key as it is pressed, no echo, no signals from keys; disposing puts the terminal back. */
  readonly raw: () => Disposable;
};

export function standardInput(): Input {
  return {
    isTerminal: () => process.getBuiltinModule('node:tty').isatty(0),
    chunks: () => process.stdin,
    raw: () => {
      const { stdin } = process;
      stdin.setRawMode(true);
      const restore = () => {
        process.removeListener('exit', restore);
        stdin.setRawMode(false);
      };
      // Whatever ends the process in between must not leave the user without echo.
      process.on('exit', restore);
      return { [Symbol.dispose]: restore };
    },
  };
}
