/** What concerns images: the commit of a large change, the list of many. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { sha256 } from '../src/oci/digest.ts';
import { transaction } from '../src/store/database.ts';
import { putImage, putImageName } from '../src/store/image-row.ts';
import { openStore } from '../src/store/store.ts';
import { binary } from '../test/harness/system-test.ts';
import { type Engine, must } from './engine.ts';
import { isWorthAnother, time } from './hyperfine.ts';
import { median, ours, type Row } from './table.ts';

const commits = 3;

/** Half a gigabyte: 60 files of 5 MB that can't be compressed, and 10,000 of 20 kB, made by few processes. */
const change = [
  'mkdir -p /change/1',
  'for i in $(seq 60); do head -c 5000000 /dev/urandom > /change/l$i; done',
  'head -c 20000 /dev/urandom > /change/1/1',
  'for i in $(seq 2 100); do cp /change/1/1 /change/1/$i; done',
  'for i in $(seq 2 100); do cp -r /change/1 /change/$i; done',
].join('; ');

export function commitRow(engines: readonly Engine[]): Row {
  console.error('measuring: commit of 500 MB');
  const values = new Map<string, number>();
  const able = engines.filter(({ cli }) => cli !== undefined);
  const containers = new Map(able.map((engine) => [engine.name, prepared(engine)]));
  const times = new Map<string, number[]>(able.map(({ name }) => [name, []]));
  for (let round = 0; round < commits; round += 1) {
    for (const engine of able) {
      const known = times.get(engine.name) ?? [];
      if (isWorthAnother(known)) known.push(timeOnce(engine, containers.get(engine.name) ?? ''));
    }
  }
  for (const { name, cli } of able) {
    values.set(name, median(times.get(name) ?? []));
    must([...(cli?.argv ?? []), 'rm', '-f', containers.get(name) ?? ''], cli?.env ?? {});
  }
  const targets = ['docker', 'podman'].map((column) => ({ column, factor: 1 / 2 }));
  return { title: 'commit of 500 MB in 10,060 files', unit: 'ms', values, targets };
}

/** @returns the id of a container with the change */
function prepared({ name, cli }: Engine): string {
  const argv = cli?.argv ?? [];
  const container = `bench-commit-${name}`;
  must([...argv, 'run', '--name', container, '--network', 'none', 'bench', 'sh', '-c', change], cli?.env ?? {});
  return container;
}

function timeOnce({ cli }: Engine, container: string): number {
  const argv = cli?.argv ?? [];
  for (let times = 0; times < 2; times += 1) spawnSync('sync');
  const start = performance.now();
  const image = must([...argv, 'commit', container], cli?.env ?? {});
  const taken = performance.now() - start;
  must([...argv, 'rmi', image.split('\n').at(-1) ?? ''], cli?.env ?? {});
  return taken;
}

/** The peers would need a thousand real images, which takes them a quarter of an hour. */
export function listRow(scratch: string): Row {
  console.error('measuring: images of a thousand');
  const root = join(scratch, 'many');
  {
    using store = openStore(root);
    transaction(store.database, () => {
      for (let index = 0; index < 1000; index += 1) {
        const [id, manifest] = [sha256(`config ${index}`), sha256(`manifest ${index}`)];
        putImage(store.database, { id, manifest, created: index * 1000, size: index }, []);
        const reference = `docker.io/library/app${index}:latest`;
        putImageName(store.database, { reference, imageId: id, digest: manifest });
      }
    });
  }
  const command = { name: ours, argv: [binary, '--root', root, 'images'] };
  const values = new Map(
    [...time([command], { rounds: 4, runs: 5 }, scratch)].map(([name, all]) => [name, median(all)]),
  );
  return { title: 'images, with 1,000 of them in the store', unit: 'ms', values, targets: [{ value: 60 }] };
}
