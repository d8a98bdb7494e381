import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** Where to look for the program. `setting` is the user's setting; if set, it is the only candidate. */
export interface SearchPaths {
  setting: string;
  path: string;
  home: string;
  python?: string;
}

/** The first candidate that can be executed, or undefined. */
export function findExecutable(paths: SearchPaths, canExecute = isExecutable): string | undefined {
  return listCandidates(paths).find(canExecute);
}

export function listCandidates({ setting, path, home, python }: SearchPaths): string[] {
  if (setting) return [setting.replace(/^~(?=[\\/])/, home)];
  const folders = path.split(delimiter).filter(Boolean);
  if (python) folders.push(dirname(python));
  const fileName = process.platform === 'win32' ? 'copilotd.exe' : 'copilotd';
  return [...folders, join(home, '.local', 'bin')].map((folder) => join(folder, fileName));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
