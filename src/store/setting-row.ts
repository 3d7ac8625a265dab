/**
 * Rows of `settings`, which nobody removes: what a store keeps to from its beginning, and what the next command should know
 * of the last ones.
 */
import { type Database, get, run } from './database.ts';
import { text } from './row.ts';

export type SettingName = 'storage-driver' | 'freed-inodes';

export function settingOf(database: Database, name: SettingName): string | undefined {
  const row = get(database, 'SELECT value FROM settings WHERE name = ?', name);
  return row === undefined ? undefined : text(row, 'value');
}

/** Whoever comes first decides. @returns the value that is there then */
export function beginSetting(database: Database, name: SettingName, value: string): string {
  run(database, 'INSERT OR IGNORE INTO settings (name, value) VALUES (?, ?)', name, value);
  return settingOf(database, name) ?? value;
}

export function putSetting(database: Database, name: SettingName, value: string): void {
  run(database, 'INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)', name, value);
}
