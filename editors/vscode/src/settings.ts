import * as vscode from 'vscode';
import { type Settings, settings } from './options';

export { suggestsIn, toggled } from './options';

/** The settings as they are for a document or a folder. */
export function settingsFor(scope?: vscode.ConfigurationScope): Settings {
  const configuration = vscode.workspace.getConfiguration('copilotd', scope);
  return settings((key) => configuration.get(key));
}

const TOOLS = 'chat.tools';

/** Whether the chat's model may use tools. */
export function usesTools(): boolean {
  return vscode.workspace.getConfiguration('copilotd').get(TOOLS) === true;
}

export async function toggleTools(): Promise<void> {
  const configuration = vscode.workspace.getConfiguration('copilotd');
  await configuration.update(TOOLS, !usesTools(), vscode.ConfigurationTarget.Global);
}
