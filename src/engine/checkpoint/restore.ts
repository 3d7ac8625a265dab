/** A start that goes on from a checkpoint: another plan, and a look at what criu has brought back. */
import { rmSync } from 'node:fs';
import { makeDirectories } from '../../criu/dump.ts';
import { checkRoot, criuFailed, criuMissing } from '../../criu/errors.ts';
import { checkRestorable, hasUserNamespace } from '../../criu/external.ts';
import { attest, checkPages, letLookFor, readDescriptors } from '../../criu/images.ts';
import { restorePlan } from '../../criu/plan.ts';
import { fromSystemError, OnggiError } from '../../errors.ts';
import type { ProcessIdentity } from '../../kernel/process-identity.ts';
import { defaultPath } from '../../runtime/defaults.ts';
import type { Plan } from '../../runtime/plan/steps.ts';
import type { Container } from '../container/container.ts';
import { readSpec } from '../spec/file.ts';
import type { CheckpointRef } from '../types/checkpoint.ts';
import { checkOptions } from './checkpoint.ts';
import { checkOwner, findCheckpoint, workDirectory } from './directory.ts';
import { criuOptions } from './options.ts';

export type Restoring = {
  readonly plan: Plan;
  /** Before it is let alone. @throws OnggiError `denied` when the images give it more than its options; then it is killed */
  attest(init: ProcessIdentity): void;
  /** What criu says of its failure, in place of what the shim has seen of it. */
  explained(error: unknown): unknown;
};

/**
 * @param plan of a usual start, for which config.json has been written
 * @throws OnggiError `not-found`, `unsupported`, `corrupt`
 */
export function restoring(container: Container, plan: Plan, { name, ...place }: CheckpointRef): Restoring {
  checkRoot('restore');
  const spec = readSpec(container.files.config);
  checkOptions(container, spec);
  const images = findCheckpoint(container, name, place);
  checkOwner(container, images, name);
  checkRestorable(spec);
  const work = workDirectory(container);
  const log = `${work}/restore.log`;
  makeDirectories({ images, work });
  const descriptors = readDescriptors(images);
  checkPages(images);
  if (hasUserNamespace(spec)) letLookFor(images);
  remove(log);
  const options = { ...criuOptions(spec, images, work), lsmProfile: null, lsmMountContext: null };
  const path = process.env['PATH'] ?? defaultPath;
  return {
    plan: restorePlan(
      plan,
      spec,
      { descriptors, parents: [], stage: `${work}/mounts`, cgroupRoots: [], program: 'criu', path },
      options,
    ),
    attest: (init) => attest(container.row.name, init, spec),
    explained(error) {
      if (!(error instanceof OnggiError)) return error;
      if (error.code === 'command-not-found') return criuMissing(error);
      return error.message.includes('criu') ? criuFailed(`restore "${container.row.name}"`, log, error.message) : error;
    },
  };
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    throw fromSystemError(error, `remove "${path}"`);
  }
}
