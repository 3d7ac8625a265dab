/** What `--change` of `commit` and `import` asks for, looked at before anything is done. */
import { applyChanges } from '../../image/change.ts';
import { parseSignal } from '../../runtime/signal.ts';

/** @throws OnggiError `invalid`, `unsupported` */
export function checkChanges(changes: readonly string[] = []): void {
  const { StopSignal } = applyChanges(changes);
  // Every stop of a container would pass over one that there is not.
  if (StopSignal !== undefined) parseSignal(StopSignal);
}
