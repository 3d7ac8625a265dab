/** Names and ids of containers. Pure but for the randomness. */

import { OnggiError } from '../../errors.ts';
import { randomBelow, randomHex } from '../../random.ts';
import type { ContainerId } from '../types.ts';

/** Docker's rule for container names (moby, daemon/names). */
const grammar = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

const longest = 255;

/** @throws OnggiError `invalid` */
export function parseContainerName(text: string): string {
  const name = text.startsWith('/') ? text.slice(1) : text;
  if (name.length > longest) {
    throw new OnggiError('invalid', `Invalid container name (${name.slice(0, 80)}...), it is longer than ${longest}`);
  }
  if (!grammar.test(name)) {
    throw new OnggiError(
      'invalid',
      `Invalid container name (${name.slice(0, 80)}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
    );
  }
  return name;
}

export function newContainerId(): ContainerId {
  return randomHex(32) as ContainerId;
}

/** The first twelve digits, as Docker prints them and as the default hostname. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}

const qualities = (
  'amber ashen bold brisk broad calm clear coarse cool deep dry dusky earthen even fine firm fresh glazed grand hushed ' +
  'kind late lively lucid mellow mild misty mossy neat noble open patient plain proud quiet rapid ripe round rustic ' +
  'salty sandy serene sharp slow smoky smooth sober solid steady stout sunny sweet swift tidy tranquil vast warm wise'
).split(' ');

const vessels = (
  'amphora ampulla basin beaker bowl carafe cask chalice churn cistern crock cruet cruse cup decanter demijohn dish ' +
  'ewer flagon flask goblet gourd jar jug keg kettle kiln krater ladle lekythos mortar mug olla pail pan pitcher plate ' +
  'platter pot pottle saucer stein tankard teapot tub tumbler tureen urn vase vat vial'
).split(' ');

/** A name for a container that was given none, e.g. "mellow_pitcher". May be taken: the caller tries again. */
export function randomContainerName(attempt: number): string {
  const name = `${qualities[randomBelow(qualities.length)]}_${vessels[randomBelow(vessels.length)]}`;
  return attempt === 0 ? name : `${name}${randomBelow(10 ** Math.min(attempt, 9))}`;
}
