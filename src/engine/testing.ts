/** A shim that says what a test wants. Not loaded by the product. */
import type { ExitReport, ShimClient, ShimEvent } from '../kernel/shim-client.ts';

export const exitReport: ExitReport = {
  exitCode: 0,
  signal: 0,
  oom: null,
  coreDumped: false,
  neverRan: false,
  released: true,
  sender: null,
  finishedAt: 1_000_000_000n,
};

export type FakeShim = {
  readonly client: ShimClient;
  /** Calls in their order: ["signal", 15]. */
  readonly calls: readonly (readonly unknown[])[];
  /** How many events were taken. */
  taken(): number;
};

/** @param end what happens after the last event: it goes away without a word, breaks, or says nothing more until close */
export function fakeShim(said: readonly ShimEvent[], end: 'over' | Error | 'silent' = 'over'): FakeShim {
  const calls: unknown[][] = [];
  const closed = Promise.withResolvers<void>();
  let taken = 0;
  async function* events(): AsyncGenerator<ShimEvent, void, undefined> {
    for (const event of said) {
      taken += 1;
      yield event;
    }
    if (end instanceof Error) throw end;
    if (end === 'silent') await closed.promise;
  }
  const note =
    (name: string) =>
    (...args: readonly unknown[]): void => {
      calls.push([name, ...args]);
    };
  const noteLater =
    (name: string) =>
    async (...args: readonly unknown[]): Promise<void> => {
      calls.push([name, ...args]);
    };
  const close = (): void => {
    calls.push(['close']);
    closed.resolve();
  };
  const client: ShimClient = {
    events: events(),
    start: note('start'),
    write: noteLater('write'),
    closeStdin: note('closeStdin'),
    resize: note('resize'),
    signal: noteLater('signal'),
    check: note('check'),
    killAll: note('killAll'),
    linger: noteLater('linger'),
    close,
    [Symbol.dispose]: close,
  };
  return { client, calls, taken: () => taken };
}

export function outputEvent(text: string, stream: 'stdout' | 'stderr' = 'stdout') {
  return { type: 'output', stream, bytes: Buffer.from(text) } as const;
}
