import { homedir } from 'node:os';
import * as vscode from 'vscode';
import { executable } from './executable';
import { settingsFor } from './settings';

const INSTALL = 'Install…';
const SET_PATH = 'Set Path';

/** The program to start, or undefined. */
export function find(): string | undefined {
  const python = vscode.workspace.getConfiguration('python').get<string>('defaultInterpreterPath');
  return executable({
    setting: settingsFor().path,
    path: process.env.PATH ?? '',
    home: homedir(),
    // A workspace that is not trusted must not name a program.
    python: vscode.workspace.isTrusted && python?.startsWith('/') ? python : undefined,
  });
}

/** Say that there is none, and offer what helps. */
export async function offerInstallation(): Promise<void> {
  const said = 'copilotd was not found. Install it, or say where it is.';
  const chosen = await vscode.window.showErrorMessage(said, INSTALL, SET_PATH);
  if (chosen === INSTALL) install();
  if (chosen === SET_PATH) {
    await vscode.commands.executeCommand('workbench.action.openSettings', 'copilotd.path');
  }
}

/** Point GitHub Copilot's extension at the daemon, or back: the program shows what it changes. */
export async function redirect(action: 'enable' | 'disable'): Promise<void> {
  const command = find();
  if (!command) return offerInstallation();
  const call = process.platform === 'win32' ? '& ' : '';
  const terminal = vscode.window.createTerminal('copilotd');
  terminal.show();
  terminal.sendText(`${call}"${command}" copilot ${action}`);
}

// Only written, not run: the checkout to install from is the user's to name.
function install(): void {
  const terminal = vscode.window.createTerminal('copilotd');
  terminal.show();
  terminal.sendText('python3 -m pip install .', false);
}
