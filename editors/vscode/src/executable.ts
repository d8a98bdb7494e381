import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** Where to look: what the user set decides alone, whether or not it is there. */
export interface Places {
  setting: string;
  path: string;
  home: string;
  python?: string;
}

/** The `copilotd` to start, or undefined. */
export function executable(places: Places, runs = isProgram): string | undefined {
  return candidates(places).find(runs);
}

export function candidates({ setting, path, home, python }: Places): string[] {
  if (setting) return [setting.replace(/^~(?=[\\/])/, home)];
  const folders = path.split(delimiter).filter(Boolean);
  if (python) folders.push(dirname(python));
  return [...folders, join(home, '.local', 'bin')].map((folder) => join(folder, name()));
}

function name(): string {
  return process.platform === 'win32' ? 'copilotd.exe' : 'copilotd';
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
