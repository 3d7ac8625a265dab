/** Signals that reach this process. Acts. */

export type SignalName = keyof typeof numbers;

export type Signals = {
  /** Calls `handler` for each of these signals instead of what they do by default, until disposed of. */
  readonly on: (names: readonly SignalName[], handler: (number: number) => void) => Disposable;
};

/** signal(7): these numbers are the same on every architecture that onggi is built for. */
const numbers = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGCONT: 18,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGWINCH: 28,
} as const;

/** Those that `--sig-proxy` passes on: all that can be caught and that don't belong to this process alone. */
export const proxied: readonly SignalName[] = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGABRT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGTERM',
  'SIGCONT',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGVTALRM',
];

/** Those by which a person or a session manager ends a program. */
export const deadly: readonly SignalName[] = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'];

export function signalNumber(name: SignalName): number {
  return numbers[name];
}

export function processSignals(): Signals {
  return {
    on: (names, handler) => {
      const stack = new DisposableStack();
      for (const name of names) {
        const listener = () => handler(numbers[name]);
        process.on(name, listener);
        stack.defer(() => process.removeListener(name, listener));
      }
      return stack;
    },
  };
}
