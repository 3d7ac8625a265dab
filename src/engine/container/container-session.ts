/** The session of a container: at its end the record is settled by this process, before the exit is told. */
import { OnggiError } from '../../errors.ts';
import type { ShimClient } from '../../kernel/shim-client.ts';
import { containerById } from '../../store/container-row.ts';
import type { Context } from '../context.ts';
import { emit } from '../event/emit.ts';
import { containerNews } from '../event/news.ts';
import type { Ending, Session } from '../types.ts';
import { type Container, containerOf } from './container.ts';
import { dropContainerLock, lockContainer } from './container-lock.ts';
import { foundEnding, nobodysEnding } from './ended.ts';
import type { FoundEnding } from './ending.ts';
import { finish } from './finish.ts';
import { endingOfReport, type Output } from './handshake.ts';
import { leaveIdleNetworks, releaseIdleNetworks } from './idle-network.ts';
import { haveRestarted } from './reconcile.ts';
import { openSession } from './session.ts';

/** @throws OnggiError `conflict` for one whose stdio is that of whoever has started it */
export function checkAttachable({ row, options }: Container): void {
  if (options.log?.driver !== 'passthrough') return;
  throw new OnggiError(
    'conflict',
    `attaching to container ${row.name}: this container is using the 'passthrough' log driver, cannot attach`,
  );
}

/** @param kept what is to be waited for while the shim is still there */
export function containerSession(
  context: Context,
  container: Container,
  client: ShimClient,
  early: readonly Output[] = [],
  kept: () => Promise<void> = async () => {},
): Session {
  const tell = (action: string, more: Readonly<Record<string, string>> = {}): void =>
    emit(context.store, containerNews(container, action, more));
  return openSession(
    client,
    {
      async ended(report) {
        await kept();
        const ending = await settled(context, container, {
          ending: endingOfReport(report),
          released: report.released,
        });
        await leaveIdleNetworks(context.store, client);
        return ending;
      },
      async lost() {
        const found = foundEnding(context.store, container.row) ?? nobodysEnding();
        const ending = await settled(context, container, found);
        await releaseIdleNetworks(context.store);
        return ending;
      },
    },
    early,
    {
      resized: (rows, columns) => tell('resize', { height: `${rows}`, width: `${columns}` }),
      detached: () => tell('detach'),
    },
  );
}

/** Finishes this very run of the container, unless somebody has done it already. */
async function settled(context: Context, { id, start }: Container, found: FoundEnding): Promise<Ending> {
  const { store } = context;
  using guard = await lockContainer(context, id);
  const row = containerById(store.database, id);
  const now = row === undefined ? undefined : containerOf(store, row);
  const unfinished = row?.state === 'running' || row?.state === 'starting';
  if (now !== undefined && unfinished && now.start?.socket === start?.socket) {
    await haveRestarted(context, await finish(store, now, found, guard));
  }
  if (containerById(store.database, id) === undefined) dropContainerLock(guard);
  return found.ending;
}
