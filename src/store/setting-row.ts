/** Rows of `settings`: what a store keeps to from its beginning. Nobody removes them. */
import { type Database, get, run } from './database.ts';
import { text } from './row.ts';

export type SettingName = 'storage-driver';

export function settingOf(database: Database, name: SettingName): string | undefined {
  const row = get(database, 'SELECT value FROM settings WHERE name = ?', name);
  return row === undefined ? undefined : text(row, 'value');
}

/** Whoever comes first decides. @returns the value that is there then */
export function beginSetting(database: Database, name: SettingName, value: string): string {
  run(database, 'INSERT OR IGNORE INTO settings (name, value) VALUES (?, ?)', name, value);
  return settingOf(database, name) ?? value;
}
