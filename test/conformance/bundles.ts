/** All bundles, and the differences that any of them shows. */
import type { Bundle, Difference } from './bundle.ts';
import { mountBundles } from './bundles-mount.ts';
import { namespaceBundles } from './bundles-namespace.ts';
import { processBundles } from './bundles-process.ts';
import { resourceBundles } from './bundles-resource.ts';
import { securityBundles } from './bundles-security.ts';

export const bundles: readonly Bundle[] = [
  ...processBundles,
  ...mountBundles,
  ...namespaceBundles,
  ...resourceBundles,
  ...securityBundles,
];

/** Differences that any bundle shows. */
export const generalDifferences: readonly Difference[] = [];
