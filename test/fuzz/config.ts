/**
 * Damaged configurations: whatever config.json says, it is refused with an OnggiError that names something, or it
 * becomes a plan that can be explained, encoded and (by the shim's own judgement) executed. Nothing else may happen:
 * no other error, no endless loop, no plan that the shim calls damaged.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileContainer } from '../../src/bundle/container-plan.ts';
import { OnggiError } from '../../src/errors.ts';
import { parseSpec } from '../../src/oci/runtime-schema.ts';
import { allCapabilities, capabilitySet } from '../../src/runtime/capability.ts';
import { encodePlan } from '../../src/runtime/plan/encode.ts';
import { explainPlan } from '../../src/runtime/plan/explain.ts';
import { repository } from '../harness/busybox-image.ts';
import { filterFor } from '../harness/seccomp-step.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The same numbers for the same seed, on every machine (mulberry32). */
export function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** What no field expects; those that are no JSON value are written by name. */
const nasty: readonly Json[] = [
  null,
  true,
  -1,
  0,
  0.5,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  '',
  '/',
  '.',
  '..',
  '../../../etc',
  '/proc/self/fd/3/../..',
  'a\0b',
  'a\nb',
  'a=b,c\\',
  '-1',
  '\ud800',
  '\u001b[2J',
  'x'.repeat(5000),
  [],
  [[]],
  {},
  { __proto__x: 1 },
];
const texts = [
  '1e400',
  '-0',
  '18446744073709551616',
  '1'.repeat(400),
  '"\\u0000"',
  '{"__proto__":{"x":1}}',
  '[1,'.repeat(40),
];
const marker = 'MARKED FOR A TEXT';

export type Fuzzer = { readonly next: () => string };

/** Configurations of the golden plans, each damaged in one to four places. */
export function configFuzzer(seed: number): Fuzzer {
  const random = randomOf(seed);
  const directory = join(repository, 'src/runtime/plan/testdata');
  const seeds = readdirSync(directory).map((name) => readFileSync(join(directory, name, 'config.json'), 'utf8'));
  const pick = <T>(items: readonly T[]): T | undefined => items[random(items.length)];
  const trees = seeds.map((text) => JSON.parse(text) as Json);

  // What stands under the same key elsewhere is likely to be taken, and to contradict what is here.
  const donors = Map.groupBy(
    trees.flatMap((tree) => placesOf(tree)),
    ({ key }) => key,
  );

  const damageTree = (): string => {
    const tree = structuredClone(pick(trees) ?? null);
    let text: string | undefined;
    for (let times = Math.max(0, random(6) - 3); times >= 0; times -= 1) {
      const places = placesOf(tree);
      const place = pick(places);
      if (place === undefined) break;
      const kind = random(7);
      if (kind === 0) place.remove();
      else if (kind < 3) place.set(structuredClone(pick(donors.get(place.key) ?? [])?.value ?? null));
      else if (kind === 3) place.set(Array.from({ length: random(50) }, () => structuredClone(place.value)));
      else if (kind === 4) {
        place.set(marker);
        text = pick(texts);
      } else place.set(structuredClone(pick(nasty) ?? null));
    }
    return JSON.stringify(tree).replace(`"${marker}"`, () => text ?? 'null');
  };
  const damageText = (): string => {
    const bytes = Buffer.from(pick(seeds) ?? '');
    for (let times = random(4); times >= 0; times -= 1) bytes[random(bytes.length)] = random(256);
    return bytes.subarray(0, random(8) === 0 ? random(bytes.length) : bytes.length).toString('utf8');
  };
  return { next: () => (random(8) === 0 ? damageText() : damageTree()) };
}

type Place = { readonly key: string; readonly value: Json; set(value: Json): void; remove(): void };

function placesOf(tree: Json, keyed = ''): Place[] {
  if (tree === null || typeof tree !== 'object') return [];
  const record = tree as Record<string, Json>;
  return Object.keys(tree).flatMap((key) => {
    const value = record[key] ?? null;
    const place: Place = {
      // Items of a list are of one kind, lists of others of another.
      key: Array.isArray(tree) ? `${keyed}[]` : key,
      value,
      set: (changed) => {
        record[key] = changed;
      },
      remove: () => {
        if (Array.isArray(tree)) tree.splice(Number(key), 1);
        else delete record[key];
      },
    };
    return [place, ...placesOf(value, key)];
  });
}

const controllers = ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids', 'rdma'];

export type Verdict = { readonly plan: Uint8Array } | { readonly refusal: OnggiError };

/** @throws whatever is no refusal */
export function judge(text: string): Verdict {
  try {
    const spec = parseSpec(text);
    const { plan } = compileContainer({
      host: {
        cgroups: { mode: 'unified', legacy: [], unified: { mountPoint: '/sys/fs/cgroup', controllers }, swap: true },
        capabilities: capabilitySet(allCapabilities),
        architecture: 'x86_64',
      },
      id: 'fuzzed',
      bundle: '/bundle',
      rootfs: '/bundle/rootfs',
      spec,
      cgroup: { legacy: [], unified: '/sys/fs/cgroup/fuzzed' },
      scope: null,
      startFifo: 'stay',
      consoleSocket: false,
      preserve: 0,
      noPivot: false,
      keyring: null,
      filter: filterFor(spec, 'x86_64').filter,
      devices: [],
    });
    explainPlan(plan);
    return { plan: encodePlan(plan) };
  } catch (error) {
    if (!(error instanceof OnggiError) || error.message === '') throw error;
    return { refusal: error };
  }
}
