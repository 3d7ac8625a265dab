/** At most so many at the same time, first come, first served. Pure: it knows no clock and no network. */

export type Gate = {
  /** Resolves when there is room; disposing of the place gives it to the next. @throws the reason of `signal` */
  enter(signal?: AbortSignal): Promise<Disposable>;
};

export function makeGate(places: number): Gate {
  let free = places;
  const waiting = new Set<() => void>();
  const place = (): Disposable => {
    let held = true;
    return {
      [Symbol.dispose]() {
        if (!held) return;
        held = false;
        const [next] = waiting;
        if (next === undefined) free += 1;
        else {
          waiting.delete(next);
          next();
        }
      },
    };
  };
  return {
    async enter(signal) {
      signal?.throwIfAborted();
      if (free > 0) {
        free -= 1;
        return place();
      }
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waiting.add(resolve);
      const onAbort = (): void => {
        // Called already, it has the place and will use it.
        if (waiting.delete(resolve)) reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        await promise;
      } finally {
        signal?.removeEventListener('abort', onAbort);
      }
      return place();
    },
  };
}
