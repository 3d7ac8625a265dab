/** The mode of the terminal that this process was started on. */
import { native } from './addon.ts';

/**
 * Raw mode (cfmakeraw(3)): every key as it is pressed, no echo, no signals from keys, and output as it is written.
 * Disposing puts the terminal back; so does the end of the process, however it comes about in JavaScript.
 * @throws OnggiError when `descriptor` is no terminal
 */
export function rawTerminal(descriptor: number): Disposable {
  const before = native('set the terminal to raw mode', (addon) => addon.rawTerminal(descriptor));
  const restore = () => {
    process.removeListener('exit', restore);
    native('put the terminal back', (addon) => addon.restoreTerminal(descriptor, before));
  };
  process.on('exit', restore);
  return { [Symbol.dispose]: restore };
}
