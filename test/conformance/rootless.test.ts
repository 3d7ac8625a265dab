/** Bundles with a user namespace under onggi, runc and crun, each called by an ordinary user: the same comparison. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Spec } from '../../src/oci/runtime-spec.ts';
import { firstSubId, type OrdinaryUser, userId } from '../harness/ordinary-user.ts';
import { ordinaryUserTest } from '../harness/ordinary-user-test.ts';
import { type Bundle, type Difference, type Fields, type Place, type RuntimeName, runtimes } from './bundle.ts';
import { bundles, generalDifferences } from './bundles.ts';
import { compare } from './compare.ts';
import { openJoinable } from './place.ts';
import { runBundle } from './run-bundle.ts';
import { viewOf } from './view.ts';

/** One for each thing that works otherwise without privileges; all others were compared once by hand. */
const chosen = ['capabilities', 'masked-paths', 'tmpfs', 'sysctl', 'seccomp', 'state'];

const maps = [
  { containerID: 0, hostID: userId, size: 1 },
  { containerID: 1, hostID: firstSubId, size: 65_536 },
];

const differences: readonly Difference[] = [
  ...generalDifferences,
  { runtime: 'crun', field: 'mounts./dev/*.options', why: "crun binds the machine's devices with nosuid and noexec" },
];

function withUserNamespace(spec: Spec): Spec {
  const { linux = {} } = spec;
  const namespaces = [...(linux.namespaces ?? []), { type: 'user' } as const];
  return { ...spec, linux: { ...linux, namespaces, uidMappings: maps, gidMappings: maps } };
}

for (const name of chosen) {
  const bundle = bundles.find((one) => one.name === name);
  assert.ok(bundle !== undefined, name);
  const needs = ['runc', 'crun', ...(bundle.needs ?? [])] as const;
  ordinaryUserTest(`${name}, called by an ordinary user: ${bundle.about}`, { needs }, async (user) => {
    assert.deepEqual(await compareBundle(bundle, user), []);
  });
}

/** @returns a line for each problem */
async function compareBundle(bundle: Bundle, user: OrdinaryUser): Promise<string[]> {
  await using joinable = await openJoinable();
  const place: Place = {
    id: 'onggi-conformance',
    bundle: join(user.home, 'bundle'),
    namespaces: joinable.path,
    cgroup: '/onggi-conformance/c',
    disk: { major: 8, minor: 0 },
  };
  const own: Bundle = { ...bundle, spec: (at) => withUserNamespace(bundle.spec(at)) };
  const views = new Map<RuntimeName, Fields>();
  const problems: string[] = [];
  for (const runtime of runtimes) {
    const program = runtime === 'onggi' ? join(user.dist, 'onggi-runtime') : runtime;
    const shown = await runBundle(own, program, place, { uid: userId, argv: user.argv });
    if (shown.exit !== 0 || shown.report === '') problems.push(`${runtime} ended with ${shown.exit}: ${shown.stderr}`);
    else views.set(runtime, viewOf(shown, { ...place, joinable: joinable.namespaces }));
  }
  return [...problems, ...compare(own, differences, views).problems];
}
