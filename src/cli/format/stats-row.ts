/** What a container uses, as `stats` shows it. Pure. */
import type { ContainerSample } from '../../engine/types.ts';
import { humanBinarySize, humanSize } from './human-size.ts';
import type { Listing, Row } from './listing.ts';

export const statsListing: Listing = {
  subject: 'container',
  headings: {
    BlockIO: 'BLOCK I/O',
    CPUPerc: 'CPU %',
    Container: 'CONTAINER',
    ID: 'CONTAINER ID',
    MemPerc: 'MEM %',
    MemUsage: 'MEM USAGE / LIMIT',
    Name: 'NAME',
    NetIO: 'NET I/O',
    PIDs: 'PIDS',
  },
  table: '{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}',
};

/** @param ref the container as it was named; @param before an earlier sample of it, for what it used since */
export function statsRow(
  ref: string,
  sample: ContainerSample,
  before: ContainerSample | undefined,
  truncate: boolean,
): Row {
  const { memory, memoryLimit, network, block } = sample;
  return {
    BlockIO: `${humanSize(block.read, 3)} / ${humanSize(block.written, 3)}`,
    CPUPerc: percent(cpuShare(sample, before)),
    Container: ref,
    ID: truncate ? sample.id.slice(0, 12) : sample.id,
    MemPerc: percent(memoryLimit === 0 ? 0 : (memory / memoryLimit) * 100),
    MemUsage: `${humanBinarySize(memory, 4)} / ${humanBinarySize(memoryLimit, 4)}`,
    Name: sample.name,
    NetIO: `${humanSize(network.received, 3)} / ${humanSize(network.sent, 3)}`,
    PIDs: `${sample.tasks}`,
  };
}

/** Of one CPU: two that are busy make 200. */
function cpuShare(sample: ContainerSample, before: ContainerSample | undefined): number {
  if (before === undefined || sample.time <= before.time) return 0;
  return (Math.max(0, sample.cpu - before.cpu) / (sample.time - before.time)) * 100;
}

function percent(share: number): string {
  return `${share.toFixed(2)}%`;
}
