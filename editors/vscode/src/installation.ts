import { homedir } from 'node:os';
import * as vscode from 'vscode';
import { readSettings } from './configuration';
import { findExecutable } from './executable';

const INSTALL = 'Install…';
const SET_PATH = 'Set Path';

/** The path of the copilotd program, or undefined if it is not found. */
export function findProgram(): string | undefined {
  const python = vscode.workspace.getConfiguration('python').get<string>('defaultInterpreterPath');
  return findExecutable({
    setting: readSettings().path,
    path: process.env.PATH ?? '',
    home: homedir(),
    // An untrusted workspace must not choose the program.
    python: vscode.workspace.isTrusted && python?.startsWith('/') ? python : undefined,
  });
}

/** Tell the user that the program is missing, and offer to install it or to set its path. */
export async function offerInstallation(): Promise<void> {
  const message = 'copilotd was not found. Install it, or set its path.';
  const chosen = await vscode.window.showErrorMessage(message, INSTALL, SET_PATH);
  if (chosen === INSTALL) prepareInstallCommand();
  if (chosen === SET_PATH) {
    await vscode.commands.executeCommand('workbench.action.openSettings', 'copilotd.path');
  }
}

/** Point GitHub Copilot's extension at the daemon, or back. The program prints what it changes. */
export async function redirectCopilot(action: 'enable' | 'disable'): Promise<void> {
  const program = findProgram();
  if (!program) return offerInstallation();
  // PowerShell runs a quoted path only after the call operator `&`.
  const prefix = process.platform === 'win32' ? '& ' : '';
  const terminal = vscode.window.createTerminal('copilotd');
  terminal.show();
  terminal.sendText(`${prefix}"${program}" copilot ${action}`);
}

// The command is written but not run: the user first changes to the checkout to install from.
function prepareInstallCommand(): void {
  const terminal = vscode.window.createTerminal('copilotd');
  terminal.show();
  terminal.sendText('python3 -m pip install .', false);
}
