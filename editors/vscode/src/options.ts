/** The settings, with a default for whatever is not of the right type. */
export interface Settings {
  path: string;
  arguments: string[];
  enabled: boolean;
  disabledLanguages: string[];
}

export type Read = (key: keyof Settings) => unknown;

export function settings(read: Read): Settings {
  return {
    path: text(read('path')),
    arguments: texts(read('arguments')),
    enabled: read('enabled') !== false,
    disabledLanguages: texts(read('disabledLanguages')),
  };
}

export function suggestsIn(settings: Settings, language: string): boolean {
  return settings.enabled && !settings.disabledLanguages.includes(language);
}

/** The list without the language if it was in, with it if not. */
export function toggled(languages: string[], language: string): string[] {
  return languages.includes(language)
    ? languages.filter((other) => other !== language)
    : [...languages, language];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.trim() : '';
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
