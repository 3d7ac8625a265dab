/** Two images made for measuring: one layer of 200 MB, and ten layers with 60,000 small files; as an OCI layout. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { tarEntry } from '../src/image/testing.ts';
import { mediaTypes } from '../src/oci/image-spec.ts';

export const images = [
  { name: 'large', title: 'one layer of 200 MB' },
  { name: 'many', title: 'ten layers, 60,000 files' },
] as const;

/** Names of the images are those of `images`. @returns the directory of the layout */
export function makeLayout(scratch: string): string {
  const directory = join(scratch, 'layout');
  mkdirSync(join(directory, 'blobs/sha256'), { recursive: true });
  const words = makeWords();
  const layers = {
    // As a distribution's: some programs and libraries, much text.
    large: [() => tarOf(2000, (index) => content(words, index, 60_000 + (index % 7) * 15_000), 'usr')],
    many: Array.from(
      { length: 10 },
      (_, layer) => () =>
        tarOf(6000, (index) => content(words, layer * 6000 + index, 300 + (index % 40) * 80), `srv/${layer}`),
    ),
  };
  const manifests = images.map(({ name }) => writeImage(directory, name, layers[name]));
  writeFileSync(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  return directory;
}

function writeImage(directory: string, name: string, layers: readonly (() => Buffer)[]): object {
  const put = (bytes: Buffer) => {
    const hex = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(directory, 'blobs/sha256', hex), bytes);
    return { digest: `sha256:${hex}`, size: bytes.length };
  };
  const diffIds: string[] = [];
  const descriptors = layers.map((make) => {
    const tar = make();
    diffIds.push(`sha256:${createHash('sha256').update(tar).digest('hex')}`);
    return { mediaType: mediaTypes.layerGzip, ...put(gzipSync(tar, { level: 6 })) };
  });
  const rootfs = { type: 'layers', diff_ids: diffIds };
  const created = '2026-01-01T00:00:00Z';
  const history = diffIds.map(() => ({ created, created_by: 'bench' }));
  const config = put(json({ created, architecture: 'amd64', os: 'linux', config: { Cmd: ['true'] }, rootfs, history }));
  const manifest = put(
    json({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: { mediaType: mediaTypes.config, ...config },
      layers: descriptors,
    }),
  );
  const annotations = { 'org.opencontainers.image.ref.name': name };
  return { mediaType: mediaTypes.manifest, ...manifest, annotations };
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function tarOf(files: number, contentOf: (index: number) => Buffer, prefix: string): Buffer {
  const entries: Buffer[] = [];
  for (let index = 0; index < files; index += 1) {
    const name = `${prefix}/${index % 60}/file-${index}`;
    entries.push(tarEntry({ name, content: contentOf(index), mtime: 1_700_000_000 }));
  }
  return Buffer.concat([...entries, Buffer.alloc(1024)]);
}

/** Numbers that look random and are the same each time (Numerical Recipes, "an even quicker generator"). */
function* numbers(seed: number): Generator<number> {
  for (let state = seed >>> 0; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state >>> 8;
  }
}

/** A mebibyte in which a third is noise, as in machine code: gzip makes about a quarter of it. */
function makeWords(): Buffer {
  const bytes = Buffer.alloc(1024 * 1024);
  const source = numbers(1);
  for (let at = 0; at < bytes.length; ) {
    const pick = source.next().value;
    const piece = pick % 3 === 0 ? Buffer.from([pick & 255, (pick >> 8) & 255, (pick >> 16) & 255]) : word(pick);
    at += piece.copy(bytes, at);
  }
  return bytes;
}

function word(pick: number): Buffer {
  return Buffer.from(`${(pick % 997).toString(36)}-instruction `);
}

/** Its number, then a stretch of the words that begins elsewhere for each file. */
function content(words: Buffer, index: number, size: number): Buffer {
  const start = (index * 7919) % (words.length - size);
  return Buffer.concat([Buffer.from(`${index}\n`), words.subarray(start, start + size)]);
}
