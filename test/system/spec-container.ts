/** A container without the engine, from a config.json: the real compiler, the real shim, a busybox root. */
import assert from 'node:assert/strict';
import type { ShimEvent } from '../../src/kernel/shim-client.ts';
import type { Process, Spec } from '../../src/oci/runtime-spec.ts';
import { allCapabilities, capabilitySet } from '../../src/runtime/capability.ts';
import { findCgroup, readCgroupLayout } from '../../src/runtime/cgroup/layout.ts';
import { defaultMounts } from '../../src/runtime/defaults.ts';
import { type Compiled, compile } from '../../src/runtime/plan/compile.ts';
import { architectureOf } from '../../src/runtime/seccomp/architecture.ts';
import { findLeaks, snapshot } from '../harness/leaks.ts';
import { lockMachine } from '../harness/machine-lock.ts';
import { filterFor } from '../harness/seccomp-step.ts';
import { follow, inPlace, type Place, type Told } from './shim-container.ts';

/** Below each hierarchy; a parent of its own, so that no other container keeps it alive. */
export const cgroupsPath = `/onggi-test-${process.pid}/c`;

/** Capabilities of the process that runs the tests; this machine lacks CAP_SYS_RESOURCE, a container does too. */
const held = allCapabilities.filter((name) => name !== 'CAP_SYS_RESOURCE');

export type SpecWish = {
  /** Removes its cgroups, when they are not at `cgroupsPath`. */
  readonly remove?: () => Promise<void>;
  readonly args: readonly string[];
  readonly process?: Partial<Process>;
  readonly linux?: Spec['linux'];
  readonly spec?: Partial<Spec>;
  /** What the root file system holds besides busybox. */
  readonly prepare?: (root: string) => void;
};

export function specOf(wish: SpecWish): Spec {
  return {
    ociVersion: '1.2.0',
    process: {
      user: { uid: 0, gid: 0 },
      cwd: '/',
      args: wish.args,
      env: ['PATH=/bin'],
      capabilities: { bounding: held, effective: held, permitted: held },
      ...wish.process,
    },
    root: { path: 'root' },
    hostname: 'spec',
    mounts: defaultMounts,
    ...wish.spec,
    linux: {
      namespaces: [
        { type: 'mount' },
        { type: 'pid' },
        { type: 'network' },
        { type: 'uts' },
        { type: 'ipc' },
        { type: 'cgroup' },
      ],
      cgroupsPath,
      ...wish.linux,
    },
  };
}

export function compileIn(place: Place, spec: Spec): Compiled {
  return compile(spec, {
    host: {
      cgroups: readCgroupLayout(),
      capabilities: capabilitySet(held),
      architecture: architectureOf(process.arch),
    },
    keeper: place.plan({ argv: ['x'] }).keeper,
    bundle: place.path,
    root: { kind: 'directory', path: place.root },
    network: { attach: [], init: [] },
    createSources: [],
    reaper: false,
    waitForStart: true,
    ...filterFor(spec, architectureOf(process.arch)),
  });
}

async function removeOwn(): Promise<void> {
  const { removeCgroup, removeEmptyAbove } = await import('../../src/runtime/cgroup/remove.ts');
  const cgroup = findCgroup(cgroupsPath);
  await removeCgroup(cgroup);
  removeEmptyAbove(cgroup, 1);
}

/**
 * Runs it from beginning to end; `act` sees every event, "created" before the command runs. The machine is this test's
 * alone, and what is left on it fails the test.
 */
export async function runSpec(
  wish: SpecWish,
  act?: (event: ShimEvent, place: Place) => void | Promise<void>,
): Promise<Told> {
  await lockMachine();
  const before = snapshot();
  let told: Told | undefined;
  await inPlace(async (place) => {
    wish.prepare?.(place.root);
    place.launch(compileIn(place, specOf(wish)).plan);
    told = await follow(await place.connect(), (event) => act?.(event, place));
  });
  await (wish.remove ?? removeOwn)();
  const leaks = await findLeaks(before);
  assert.deepEqual(leaks, [], `left behind:\n${leaks.join('\n')}`);
  return told ?? assert.fail('the container told nothing');
}
