import * as vscode from 'vscode';
import { parseSettings, type Settings } from './settings';

const TOOLS = 'chat.tools';

/** The settings that apply to a document or folder. */
export function readSettings(scope?: vscode.ConfigurationScope): Settings {
  const configuration = vscode.workspace.getConfiguration('copilotd', scope);
  return parseSettings((key) => configuration.get(key));
}

/** Whether the model in the chat may use tools. */
export function areToolsEnabled(): boolean {
  return vscode.workspace.getConfiguration('copilotd').get(TOOLS) === true;
}

export async function toggleTools(): Promise<void> {
  const configuration = vscode.workspace.getConfiguration('copilotd');
  await configuration.update(TOOLS, !areToolsEnabled(), vscode.ConfigurationTarget.Global);
}
