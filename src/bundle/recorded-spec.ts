/** The specification that a container was made from. Acts. */
import { parseSpec } from '../oci/runtime-schema.ts';
import type { Spec } from '../oci/runtime-spec.ts';
import { readConfig } from './bundle.ts';
import type { ContainerPaths } from './paths.ts';

/** @throws OnggiError `not-found`, `invalid` */
export function recordedSpec(paths: ContainerPaths): Spec {
  return parseSpec(readConfig(paths.config), paths.config);
}
