/** Pulling from a registry on loopback and pushing to one: Debian's docker-registry, the same for all. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../test/harness/program.ts';
import { binary } from '../test/harness/system-test.ts';
import { installed, must } from './engine.ts';
import { attempt } from './group.ts';
import type { Command } from './hyperfine.ts';
import { images } from './image-fixture.ts';
import type { Row } from './table.ts';
import { call, half, inTurns } from './turns.ts';

/** Free, since the bench has a network namespace of its own. */
const host = '127.0.0.1:5000';

/** @param layout directory of the OCI layout with the images */
export async function registryRows(clients: readonly Command[], layout: string, scratch: string): Promise<Row[]> {
  if (!installed('docker-registry')) {
    console.error('pull and push are left out: docker-registry is not installed');
    return [];
  }
  const rows: Row[] = [];
  for (const { name, title } of images) {
    const served = `${host}/${name}:1`;
    {
      await using _ = await startRegistry(join(scratch, 'registry'));
      must([binary, 'image', 'copy', '-q', `oci:${layout}:${name}`, `docker://${served}`]);
      rows.push(...(await attempt(`pull, ${title}`, () => pullRow(clients, served, title))));
    }
    rows.push(...(await attempt(`push, ${title}`, () => pushRow(clients, served, title, scratch))));
    for (const client of clients) call(client, ['rmi', served]);
  }
  return rows;
}

/** The last turn leaves the image where it is. */
async function pullRow(clients: readonly Command[], served: string, title: string): Promise<Row> {
  console.error(`measuring: pull, ${title}`);
  const values = await inTurns(clients, (client, round) => {
    if (round > 0) call(client, ['rmi', served]);
    return () => call(client, ['pull', '-q', ...plain(client), served]);
  });
  return { title: `pull, ${title}`, unit: 'ms', values, targets: half };
}

/** What was pulled goes to a registry that has nothing, a new one each time. */
async function pushRow(clients: readonly Command[], served: string, title: string, scratch: string): Promise<Row> {
  console.error(`measuring: push, ${title}`);
  const values = await inTurns(clients, async (client, _, after) => {
    after.use(await startRegistry(join(scratch, 'registry')));
    return () => call(client, ['push', '-q', ...plain(client), served]);
  });
  return { title: `push, ${title}`, unit: 'ms', values, targets: half };
}

function plain({ name }: Command): readonly string[] {
  return name === 'podman' ? ['--tls-verify=false'] : [];
}

/** An empty one. Disposing of it kills it; its files go with the scratch directory, or with the next one. */
async function startRegistry(directory: string): Promise<AsyncDisposable> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  const config = join(directory, 'config.yml');
  const storage = `storage: { filesystem: { rootdirectory: ${directory}/data } }`;
  writeFileSync(config, `version: 0.1\nlog: { level: error }\n${storage}\nhttp: { addr: "${host}" }\n`);
  // Into a file: nobody reads a pipe while a client is waited for.
  const log = openSync(join(directory, 'log'), 'w');
  const server = spawn('docker-registry', ['serve', config], { stdio: ['ignore', log, log] });
  closeSync(log);
  const ended = new Promise((resolve) => server.once('close', resolve));
  await eventually('the registry answers', async () => (await fetch(`http://${host}/v2/`).catch(() => null)) !== null);
  return {
    async [Symbol.asyncDispose]() {
      server.kill('SIGKILL');
      await ended;
    },
  };
}
