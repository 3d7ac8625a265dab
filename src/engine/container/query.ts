/** Looking at containers. Each look brings the rows that it touches to the truth first. */

import { OnggiError } from '../../errors.ts';
import { lowerDirectories } from '../../image/snapshot.ts';
import { connectShim } from '../../kernel/shim-client.ts';
import { containerById } from '../../store/container-row.ts';
import { layerPath, volumeDataPath } from '../../store/layout.ts';
import { networkByName } from '../../store/network-row.ts';
import type { Context } from '../context.ts';
import { readHealth } from '../health/state.ts';
import { readImageConfig } from '../image/view.ts';
import { jsonFile } from '../log/log-config.ts';
import type { LogFormat } from '../log/log-file.ts';
import { readLogBytes, readLogs } from '../log/logs.ts';
import type { ContainerSummary, LogChunk, LogEntry, LogQuery, Why } from '../types.ts';
import { type Container, summaryOf } from './container.ts';
import { explainEnding } from './ending.ts';
import { untilExit } from './handshake.ts';
import { inspectContainer, type NetworkFacts } from './inspect.ts';
import { withSizes } from './list.ts';
import { lookUp } from './look-up.ts';
import { networkFacts } from './network.ts';

/** How many log lines `why` shows. */
const lastLineCount = 10;

export async function getContainer(context: Context, ref: string): Promise<ContainerSummary> {
  return summaryOf(context.store, (await lookUp(context, ref)).row);
}

export async function inspect(
  context: Context,
  ref: string,
  options: { readonly size?: boolean },
): Promise<Record<string, unknown>> {
  const { store } = context;
  const container = await lookUp(context, ref);
  const { row, files } = container;
  const summary = summaryOf(store, row);
  const [sized] = options.size === true ? await withSizes(context, [summary]) : [];
  return inspectContainer(container, summary, {
    network: factsOf(context, container, summary),
    image: row.imageId === null ? null : readImageConfig(store, row.imageId).value.process,
    volumePath: (name) => volumeDataPath(store.layout, name),
    containerName: (id) => containerById(store.database, id)?.name,
    oomKilled: await oomKilled(container),
    health: summary.health === null ? null : readHealth(files.health, row.state === 'running'),
    lower:
      row.imageId === null
        ? [container.options.rootfs?.path ?? '/']
        : lowerDirectories(store, row.imageId).map((name) => layerPath(store.layout, name)),
    size: sized?.size,
  });
}

/** How it is with one that runs: no row is written when a process of it is killed. */
async function oomKilled({ row, start }: Container): Promise<boolean> {
  if (row.state !== 'running' || start === null) return false;
  const [{ oomKills }, { findCgroup }] = await Promise.all([
    import('../../runtime/cgroup/oom-kills.ts'),
    import('../../runtime/cgroup/layout.ts'),
  ]);
  return oomKills(findCgroup(start.cgroupsPath)) > 0;
}

function factsOf(context: Context, { row, options }: Container, { address }: ContainerSummary): NetworkFacts | null {
  if (row.networkName === null || address === null) return null;
  const network = networkByName(context.store.database, row.networkName);
  return network === undefined ? null : networkFacts(network, address, options.macAddress);
}

export function containerLogs(
  context: Context,
  ref: string,
  query: LogQuery,
  signal?: AbortSignal,
): AsyncGenerator<LogEntry, void, undefined> {
  return logsFrom(context, ref, query, async function* ({ id, files }, ended, format) {
    if (format !== 'journald') yield* readLogs(files.log, query, ended, signal, format);
    else yield* (await import('../log/journal.ts')).readJournal(id, query, ended, signal);
  });
}

export function containerLogBytes(
  context: Context,
  ref: string,
  query: LogQuery,
  signal?: AbortSignal,
): AsyncGenerator<readonly LogChunk[], void, undefined> {
  return logsFrom(context, ref, query, async function* ({ id, files }, ended, format) {
    if (format !== 'journald') yield* readLogBytes(files.log, query, ended, signal, format);
    else yield* (await import('../log/journal.ts')).readJournalBytes(id, query, ended, signal);
  });
}

/** Undefined where the log is somewhere else. */
function logFormat({ options }: Container): LogFormat | undefined {
  const { driver } = options.log ?? jsonFile;
  return driver === 'json-file' || driver === 'k8s-file' || driver === 'local' ? driver : undefined;
}

async function* logsFrom<T>(
  context: Context,
  ref: string,
  query: LogQuery,
  read: (
    container: Container,
    ended: Promise<void> | undefined,
    format: LogFormat | 'journald',
  ) => AsyncGenerator<T, void, undefined>,
): AsyncGenerator<T, void, undefined> {
  const container = await lookUp(context, ref);
  const driver = container.options.log?.driver;
  const format = driver === 'journald' ? driver : logFormat(container);
  if (driver === 'passthrough') {
    throw new OnggiError(
      'unsupported',
      "this container is using the 'passthrough' log driver, cannot read logs: this container is not logging output",
    );
  }
  if (format === undefined) {
    throw new OnggiError('unsupported', 'configured logging driver does not support reading', {
      hint: `The output of "${container.row.name}" goes to ${driver}.`,
    });
  }
  if (query.follow !== true || container.row.state !== 'running' || container.start === null) {
    yield* read(container, undefined, format);
    return;
  }
  // The shim says EXIT when the log is complete; a shim that is gone already has completed it.
  using client = await connectShim(container.start.socket, {}).catch(() => undefined);
  const ended = client === undefined ? Promise.resolve() : untilExit(client).then(() => {});
  yield* read(container, ended, format);
}

export async function why(context: Context, ref: string): Promise<Why> {
  const container = await lookUp(context, ref);
  const summary = summaryOf(context.store, container.row);
  const lastLines: LogEntry[] = [];
  const format = logFormat(container);
  if (format !== undefined) {
    const last = readLogs(container.files.log, { tail: lastLineCount }, undefined, undefined, format);
    for await (const entry of last) lastLines.push(entry);
  }
  const ending = container.row.state === 'running' ? null : container.ending;
  return {
    container: summary,
    ending,
    sentences: explainEnding(summary, ending, container.options.resources?.memory ?? null),
    lastLines,
  };
}
