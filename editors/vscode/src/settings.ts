/** The settings. A value of the wrong type is replaced by its default. */
export interface Settings {
  path: string;
  arguments: string[];
  enabled: boolean;
  disabledLanguages: string[];
}

export type SettingReader = (key: keyof Settings) => unknown;

export function parseSettings(read: SettingReader): Settings {
  return {
    path: toText(read('path')),
    arguments: toTextList(read('arguments')),
    enabled: read('enabled') !== false,
    disabledLanguages: toTextList(read('disabledLanguages')),
  };
}

export function isEnabledFor(settings: Settings, language: string): boolean {
  return settings.enabled && !settings.disabledLanguages.includes(language);
}

/** The list with `item` removed if it is there, and added if it is not. */
export function toggleItem(items: string[], item: string): string[] {
  return items.includes(item) ? items.filter((other) => other !== item) : [...items, item];
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value.trim() : '';
}

function toTextList(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
