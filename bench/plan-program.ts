/**
 * Measures, in a process of its own, from the text of a config.json to the bytes of its plan: the first time, with
 * everything still to be loaded into the processor, and the median of many times. Prints both in milliseconds.
 */

import { readFileSync } from 'node:fs';
import { parseSpec } from '../src/oci/runtime-schema.ts';
import { allCapabilities, capabilitySet } from '../src/runtime/capability.ts';
import { type CompileContext, compile } from '../src/runtime/plan/compile.ts';
import { encodePlan } from '../src/runtime/plan/encode.ts';
import { filterFor } from '../test/harness/seccomp-step.ts';
import { median } from './table.ts';

const context: CompileContext = {
  host: {
    cgroups: {
      mode: 'unified',
      legacy: [],
      unified: { mountPoint: '/sys/fs/cgroup', controllers: ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids'] },
      swap: true,
    },
    capabilities: capabilitySet(allCapabilities),
    architecture: 'x86_64',
  },
  keeper: { kind: 'launcher', id: 'bench', consoleSocket: false, preserve: 0, stay: true, startFifo: null },
  bundle: '/b',
  root: { kind: 'directory', path: '/b/rootfs' },
  network: { attach: [], init: [] },
  createSources: [],
  reaper: false,
  waitForStart: true,
};

const text = readFileSync(process.argv.at(-1) ?? '', 'utf8');

type Times = { readonly compiled: number; readonly whole: number };

function once(): Times {
  const start = performance.now();
  const spec = parseSpec(text);
  const parsed = performance.now();
  const { plan } = compile(spec, { ...context, ...filterFor(spec, 'x86_64') });
  const compiled = performance.now();
  encodePlan(plan);
  return { compiled: compiled - parsed, whole: performance.now() - start };
}

const cold = once();
for (let turn = 0; turn < 200; turn++) once();
const warm = median(Array.from({ length: 200 }, () => once().whole));
console.log(JSON.stringify({ compiled: cold.compiled, cold: cold.whole, warm }));
